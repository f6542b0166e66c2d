#include "lamellae/link/address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>
#include <lamellar/error.hpp>
#include <memory>
#include <vector>

namespace lamellar::lamellae {
namespace {

struct Interface {
  std::string name;
  Address address;
  bool loopback = false;
};

bool is_link_local(const sockaddr* address) {
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

// Those that are up and have an address that others can be told: IPv4 before IPv6.
std::vector<Interface> interfaces() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::vector<Interface> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
      if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != family) continue;
      if ((one->ifa_flags & IFF_UP) == 0 || is_link_local(one->ifa_addr)) continue;
      Interface interface;
      interface.name = one->ifa_name;
      interface.loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
      interface.address.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
      std::memcpy(&interface.address.storage, one->ifa_addr, interface.address.size);
      found.push_back(std::move(interface));
    }
  }
  return found;
}

}  // namespace

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "?";
  if (storage.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text,
              sizeof text);
  else if (storage.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text,
              sizeof text);
  return text;
}

unsigned Address::port() const noexcept {
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

std::string Address::text() const {
  const std::string name = host();
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" +
         std::to_string(port());
}

Address Address::with_port(unsigned port) const noexcept {
  Address changed = *this;
  const auto number = htons(static_cast<std::uint16_t>(port));
  if (storage.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(&changed.storage)->sin6_port = number;
  else
    reinterpret_cast<sockaddr_in*>(&changed.storage)->sin_port = number;
  return changed;
}

Address parse_address(const std::string& host, unsigned port) {
  Address address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    address.size = sizeof *v6;
  } else {
    throw LaunchError("'" + host + "' is no IP address");
  }
  return address.with_port(port);
}

Address own_address(const std::string& choice) {
  const std::vector<Interface> here = interfaces();
  for (const bool loopback : {false, true})
    for (const Interface& one : here)
      if (choice.empty() ? one.loopback == loopback
                         : one.name == choice || one.address.host() == choice)
        return one.address.with_port(0);
  std::string known;
  for (const Interface& one : here)
    known += (known.empty() ? "" : ", ") + one.name + " (" + one.address.host() + ")";
  if (known.empty()) known = "none";
  throw LaunchError(choice.empty() ? "this host has no network interface that is up"
                                   : "this host has no interface or address '" + choice +
                                         "' (LAMELLAR_INTERFACE) that is up; it has: " + known);
}

}  // namespace lamellar::lamellae

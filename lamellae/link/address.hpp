#pragma once
// Addresses of this host and of others, IPv4 and IPv6.
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace lamellar::lamellae {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  // "10.0.0.1", without the port.
  std::string host() const;
  unsigned port() const noexcept;
  // "10.0.0.1:4711".
  std::string text() const;
  Address with_port(unsigned port) const noexcept;
};

// host: as Address::host() gives it. ERRORS: LaunchError when it is no address.
Address parse_address(const std::string& host, unsigned port);

// Where this host can be reached. `choice`: an address of this host, the name of an interface, or
// empty for the first interface that is up and not the loopback, else the loopback. Port 0.
// ERRORS: LaunchError with what there is to choose from.
Address own_address(const std::string& choice);

}  // namespace lamellar::lamellae

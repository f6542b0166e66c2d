// Endpoint over libfabric: a reliable datagram endpoint (FI_EP_RDM) with multi-receive buffers.
// This file alone is the module liblamellar_ofi.so; it uses nothing of liblamellar.
//
// Written for libfabric 1.17 and 2.x: the API version asked for is 1.17 for both.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <set>
#include <stdexcept>

#include "lamellae/ofi/endpoint.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint32_t kApi = FI_VERSION(1, 17);

struct InfoDeleter {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, InfoDeleter>;

template <class Fid>
struct FidDeleter {
  void operator()(Fid* object) const noexcept { fi_close(&object->fid); }
};
template <class Fid>
using Owned = std::unique_ptr<Fid, FidDeleter<Fid>>;

void check(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + fi_strerror(-result));
}

std::string join(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

// "10.1.2.3", or with the port behind it; empty when it is no address of the internet.
std::string text_of_address(const sockaddr* address, bool with_port) {
  char host[INET6_ADDRSTRLEN] = "";
  unsigned port = 0;
  if (address->sa_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    port = ntohs(v4->sin_port);
  } else if (address->sa_family == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    port = ntohs(v6->sin6_port);
  } else {
    return "";
  }
  if (!with_port) return host;
  const bool v6 = address->sa_family == AF_INET6;
  return (v6 ? "[" : "") + std::string(host) + (v6 ? "]:" : ":") + std::to_string(port);
}

struct Interface {
  std::string name;
  std::string address;
};

// The one that was asked for; else the first that is up and not the loopback, else the loopback.
Interface choose_interface(const std::string& asked) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) throw std::runtime_error("the interfaces of this host are unknown");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::set<std::string> usable;
  Interface loopback;
  Interface chosen;
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_UP) == 0) continue;
    const bool v4 = i->ifa_addr->sa_family == AF_INET;
    const std::string address = text_of_address(i->ifa_addr, false);
    if (address.empty() || (!v4 && address.starts_with("fe80"))) continue;
    usable.insert(std::string(i->ifa_name) + " (" + address + ")");
    const bool is_it = asked == i->ifa_name || asked == address;
    const bool is_loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
    // An interface has several addresses: that of IPv4 if there is one.
    if (is_it && (chosen.name.empty() || asked == address))
      chosen = {i->ifa_name, address};
    if (asked.empty() && v4 && !is_loopback && chosen.name.empty())
      chosen = {i->ifa_name, address};
    if (asked.empty() && v4 && is_loopback && loopback.name.empty())
      loopback = {i->ifa_name, address};
  }
  if (chosen.name.empty()) chosen = loopback;
  if (chosen.name.empty())
    throw std::runtime_error("this host has no interface '" + asked + "'; usable are " +
                             join(usable) + " (LAMELLAR_INTERFACE)");
  return chosen;
}

Info make_hints(const std::string& provider) {
  Info hints(fi_allocinfo());
  if (hints == nullptr) throw std::bad_alloc();
  hints->caps = FI_MSG | FI_MULTI_RECV;
  hints->mode = 0;
  hints->ep_attr->type = FI_EP_RDM;
  hints->tx_attr->msg_order = FI_ORDER_SAS;
  hints->rx_attr->msg_order = FI_ORDER_SAS;
  hints->domain_attr->mr_mode =
      FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  if (!provider.empty()) hints->fabric_attr->prov_name = strdup(provider.c_str());
  return hints;
}

// What libfabric has for such endpoints here.
std::string usable_providers() {
  fi_info* found = nullptr;
  if (fi_getinfo(kApi, nullptr, nullptr, 0, make_hints("").get(), &found) != 0) return "none";
  const Info owner(found);
  std::set<std::string> names;
  for (const fi_info* i = found; i != nullptr; i = i->next) names.insert(i->fabric_attr->prov_name);
  return join(names);
}

Info find_provider(const std::string& provider, const Interface& interface) {
  fi_info* found = nullptr;
  const Info hints = make_hints(provider);
  const int result =
      fi_getinfo(kApi, interface.address.c_str(), nullptr, FI_SOURCE, hints.get(), &found);
  Info info(found);
  for (const fi_info* i = found; result == 0 && i != nullptr; i = i->next) {
    // "tcp" alone may also give something that is layered on it: that was not asked for.
    if (provider != i->fabric_attr->prov_name) continue;
    Info copy(fi_dupinfo(i));
    return copy;
  }
  throw std::runtime_error("provider '" + provider + "' cannot be used on interface " +
                           interface.name + " (" + interface.address +
                           "): " + (result == 0 ? "it is not there" : fi_strerror(-result)) +
                           "; usable providers are " + usable_providers() +
                           " (LAMELLAR_PROVIDER)");
}

class FabricEndpoint final : public Endpoint {
 public:
  explicit FabricEndpoint(const EndpointOptions& options)
      : interface_(choose_interface(options.interface)),
        info_(find_provider(options.provider, interface_)) {
    fid_fabric* fabric = nullptr;
    check(fi_fabric(info_->fabric_attr, &fabric, nullptr), "fi_fabric");
    fabric_.reset(fabric);
    fid_domain* domain = nullptr;
    check(fi_domain(fabric, info_.get(), &domain, nullptr), "fi_domain");
    domain_.reset(domain);

    fi_av_attr av_attr{};
    av_attr.type = FI_AV_TABLE;
    fid_av* av = nullptr;
    check(fi_av_open(domain, &av_attr, &av, nullptr), "fi_av_open");
    av_.reset(av);
    fi_cq_attr cq_attr{};
    cq_attr.format = FI_CQ_FORMAT_DATA;
    cq_attr.wait_obj = FI_WAIT_FD;
    cq_attr.size = info_->tx_attr->size + info_->rx_attr->size;
    fid_cq* cq = nullptr;
    check(fi_cq_open(domain, &cq_attr, &cq, nullptr), "fi_cq_open with a descriptor to wait on");
    cq_.reset(cq);
    check(fi_control(&cq->fid, FI_GETWAIT, &wait_fd_), "FI_GETWAIT");

    fid_ep* endpoint = nullptr;
    check(fi_endpoint(domain, info_.get(), &endpoint, nullptr), "fi_endpoint");
    endpoint_.reset(endpoint);
    check(fi_ep_bind(endpoint, &av->fid, 0), "fi_ep_bind");
    check(fi_ep_bind(endpoint, &cq->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    // Before it is enabled 1.17 crashes in some providers, after it 2.x ignores it.
    std::size_t least = options.largest;
    const bool early = FI_MAJOR(fi_version()) >= 2;
    if (early)
      static_cast<void>(
          fi_setopt(&endpoint->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &least, sizeof least));
    check(fi_enable(endpoint), "fi_enable");
    check(fi_setopt(&endpoint->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &least, sizeof least),
          "FI_OPT_MIN_MULTI_RECV");
    if (info_->ep_attr->max_msg_size < options.largest)
      throw std::runtime_error("messages of this provider end at " +
                               std::to_string(info_->ep_attr->max_msg_size) + " bytes, " +
                               std::to_string(options.largest) +
                               " are needed (LAMELLAR_FRAME_BYTES)");
    std::size_t size = sizeof name_;
    check(fi_getname(&endpoint->fid, name_, &size), "fi_getname");
    name_size_ = size;
  }

  ~FabricEndpoint() override {
    // Not in the order of the members: the endpoint first, memory before its domain.
    endpoint_.reset();
    memory_.reset();
    cq_.reset();
    av_.reset();
  }

  std::string address() const override { return {name_, name_size_}; }

  std::string text_of(const std::string& address) const override {
    sockaddr_storage storage{};
    std::memcpy(&storage, address.data(), std::min(address.size(), sizeof storage));
    const std::string text = text_of_address(reinterpret_cast<sockaddr*>(&storage), true);
    if (!text.empty()) return text;
    char buffer[256];
    std::size_t size = sizeof buffer;
    fi_av_straddr(av_.get(), address.data(), buffer, &size);
    return {buffer, strnlen(buffer, sizeof buffer)};
  }

  std::string describe() const override {
    return std::string("provider ") + info_->fabric_attr->prov_name + ", interface " +
           interface_.name + ", address " + text_of(address());
  }

  std::string set_peers(const std::vector<std::string>& addresses) override {
    for (const std::string& address : addresses) {
      fi_addr_t place = FI_ADDR_UNSPEC;
      if (!address.empty() &&
          fi_av_insert(av_.get(), address.data(), 1, &place, 0, nullptr) != 1)
        return "address " + text_of(address) + " was not accepted";
      peers_.push_back(place);
    }
    return "";
  }

  std::string register_memory(std::byte* base, std::size_t bytes) override {
    if ((info_->domain_attr->mr_mode & FI_MR_LOCAL) == 0) return "";
    fid_mr* memory = nullptr;
    const int result =
        fi_mr_reg(domain_.get(), base, bytes, FI_SEND | FI_RECV, 0, 0, 0, &memory, nullptr);
    if (result < 0)
      return std::to_string(bytes) + " bytes cannot be registered: " + fi_strerror(-result);
    memory_.reset(memory);
    descriptor_ = fi_mr_desc(memory);
    return "";
  }

  Sent send(Pe to, const std::byte* bytes, std::uint32_t size,
            std::uint64_t token) noexcept override {
    Request* const request = new_request(token);
    const ssize_t result =
        fi_send(endpoint_.get(), bytes, size, descriptor_, peers_[to], &request->context);
    if (result == 0) return Sent::kTaken;
    free_.push_back(request);
    if (result == -FI_EAGAIN) return Sent::kBusy;
    trouble_ = fi_strerror(static_cast<int>(-result));
    return Sent::kFailed;
  }

  bool receive(std::byte* buffer, std::uint32_t size, std::uint64_t token) noexcept override {
    Request* const request = new_request(token, buffer);
    iovec part{buffer, size};
    fi_msg message{};
    message.msg_iov = &part;
    message.desc = &descriptor_;
    message.iov_count = 1;
    message.addr = FI_ADDR_UNSPEC;
    message.context = &request->context;
    const ssize_t result = fi_recvmsg(endpoint_.get(), &message, FI_MULTI_RECV);
    if (result == 0) return true;
    free_.push_back(request);
    trouble_ = fi_strerror(static_cast<int>(-result));
    return false;
  }

  std::uint32_t poll(Event* events, std::uint32_t most) noexcept override {
    std::uint32_t count = 0;
    // An entry may be two events.
    while (count + 1 < most) {
      fi_cq_data_entry entries[16];
      const std::size_t room = std::min<std::size_t>(16, (most - count) / 2);
      const ssize_t result = fi_cq_read(cq_.get(), entries, room);
      if (result == -FI_EAGAIN || result == 0) break;
      if (result == -FI_EAVAIL) {
        count += read_error(events + count);
        continue;
      }
      if (result < 0) {
        trouble_ = std::string("fi_cq_read: ") + fi_strerror(static_cast<int>(-result));
        events[count++] = {Event::Kind::kBroken, 0, nullptr, 0};
        break;
      }
      for (ssize_t i = 0; i < result; ++i) count += take(entries[i], events + count);
      if (static_cast<std::size_t>(result) < room) break;
    }
    return count;
  }

  std::string trouble() const override { return trouble_; }
  int wait_fd() const noexcept override { return wait_fd_; }
  bool may_sleep() noexcept override {
    fid* waited[1] = {&cq_->fid};
    return fi_trywait(fabric_.get(), waited, 1) == FI_SUCCESS;
  }

 private:
  // What libfabric gives back with a completion.
  struct Request {
    fi_context2 context;  // first: providers may write there
    std::uint64_t token = 0;
    // Of a buffer for receiving:
    const std::byte* buffer = nullptr;
    std::size_t received = 0;  // bytes of messages that are there
    std::size_t end = 0;       // of the last of them in the buffer
    bool exhausted = false;    // no further message goes there
  };

  Request* new_request(std::uint64_t token, const std::byte* buffer = nullptr) {
    if (free_.empty()) {
      requests_.emplace_back();
      free_.push_back(&requests_.back());
    }
    Request* const request = free_.back();
    free_.pop_back();
    request->token = token;
    request->buffer = buffer;
    request->received = request->end = 0;
    request->exhausted = false;
    return request;
  }

  std::uint32_t take(const fi_cq_data_entry& entry, Event* events) noexcept {
    auto* const request = static_cast<Request*>(entry.op_context);
    if (request == nullptr) return 0;
    std::uint32_t count = 0;
    if (request->buffer == nullptr) {
      events[count++] = {Event::Kind::kSent, request->token, nullptr, 0};
      free_.push_back(request);
      return count;
    }
    if ((entry.flags & FI_RECV) != 0) {
      const auto* const bytes = static_cast<const std::byte*>(entry.buf);
      events[count++] = {Event::Kind::kReceived, request->token, bytes,
                         static_cast<std::uint32_t>(entry.len)};
      request->received += entry.len;
      const auto end = static_cast<std::size_t>(bytes - request->buffer) + entry.len;
      request->end = std::max(request->end, end);
    }
    // It comes with the message that is last in the buffer, or by itself; others that were given a
    // place in front of it may still be on the way.
    if ((entry.flags & FI_MULTI_RECV) != 0) request->exhausted = true;
    if (request->exhausted && request->received == request->end) {
      events[count++] = {Event::Kind::kReleased, request->token, nullptr, 0};
      free_.push_back(request);
    }
    return count;
  }

  std::uint32_t read_error(Event* events) noexcept {
    fi_cq_err_entry error{};
    if (fi_cq_readerr(cq_.get(), &error, 0) != 1) return 0;
    auto* const request = static_cast<Request*>(error.op_context);
    trouble_ = fi_strerror(error.err);
    if (request == nullptr) return 0;  // of a connection nobody asked for
    if (request->buffer == nullptr) {
      events[0] = {Event::Kind::kSendFailed, request->token, nullptr, 0};
      free_.push_back(request);
      return 1;
    }
    // A message that did not come to its end: its connection broke. Nothing tells where it lies, so
    // the buffer stays lent for good; the job is about to end.
    return 0;
  }

  const Interface interface_;
  const Info info_;
  Owned<fid_fabric> fabric_;
  Owned<fid_domain> domain_;
  Owned<fid_av> av_;
  Owned<fid_cq> cq_;
  Owned<fid_mr> memory_;
  Owned<fid_ep> endpoint_;
  void* descriptor_ = nullptr;
  int wait_fd_ = -1;
  char name_[64] = {};
  std::size_t name_size_ = 0;
  std::vector<fi_addr_t> peers_;
  std::deque<Request> requests_;  // stay where they are
  std::vector<Request*> free_;
  std::string trouble_;
};

}  // namespace
}  // namespace lamellar::lamellae

extern "C" __attribute__((visibility("default"))) lamellar::lamellae::Endpoint*
lamellar_open_endpoint_1(const lamellar::lamellae::EndpointOptions& options, std::string& error) {
  try {
    return new lamellar::lamellae::FabricEndpoint(options);
  } catch (const std::exception& failure) {
    error = failure.what();
    return nullptr;
  }
}

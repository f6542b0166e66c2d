#pragma once
// What the ofi lamella needs of a network: reliable datagrams, and nothing else. The module
// liblamellar_ofi.so implements it with libfabric and is the only thing that links it; a test
// implements it in memory.
//
// THREADS: one at a time, except wait_fd() and what is const. BLOCKS: never, unless said.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

namespace lamellar::lamellae {

struct EndpointOptions {
  std::string provider;         // of libfabric, such as "tcp;ofi_rxm"
  // Name or address of one of this host's. Empty: the first that is up and not the loopback, else
  // the loopback.
  std::string interface;
  std::uint32_t largest = 0;    // bytes of the largest message
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // What the others need to send here; opaque bytes, at most 64 of them.
  virtual std::string address() const = 0;
  // An address as people write it: "10.1.2.3:4567".
  virtual std::string text_of(const std::string& address) const = 0;
  // Provider, interface and own address, for messages:
  // "provider tcp;ofi_rxm, interface eth0, address 10.1.2.3:4567".
  virtual std::string describe() const = 0;

  // Once, before the first send: addresses[pe] is where `pe` receives. Sends nothing yet. What is
  // wrong, or empty. An empty address: nobody to send to.
  virtual std::string set_peers(const std::vector<std::string>& addresses) = 0;
  // Once: all memory that send() and receive() will name. What is wrong, or empty.
  virtual std::string register_memory(std::byte* base, std::size_t bytes) = 0;

  enum class Sent : std::uint8_t {
    kTaken,   // the bytes must stay until kSent or kSendFailed comes with the token
    kBusy,    // not now: poll, then try again. Also while the connection is being made
    kFailed,  // never: trouble() says why; no event comes
  };
  // Messages to one PE arrive once, in any order: a provider may take another way for large ones.
  virtual Sent send(Pe to, const std::byte* bytes, std::uint32_t size,
                    std::uint64_t token) noexcept = 0;
  // Lends `size` bytes for messages that arrive, several into one buffer, until kReleased comes
  // with the token: then no message goes there any more (those that came lie there still).
  // False: trouble() says why.
  virtual bool receive(std::byte* buffer, std::uint32_t size, std::uint64_t token) noexcept = 0;

  struct Event {
    enum class Kind : std::uint8_t {
      kSent,        // token of the send: its bytes may be used again
      kSendFailed,  // token of the send: it may not have arrived; trouble() says why
      kReceived,    // token of the buffer; bytes, size: the message in it
      kReleased,    // token of the buffer
      kBroken,      // the endpoint is of no use any more: trouble() says why
    };
    Kind kind = Kind::kBroken;
    std::uint64_t token = 0;
    const std::byte* bytes = nullptr;
    std::uint32_t size = 0;
  };
  // Makes progress and takes events; how many (0 .. most).
  virtual std::uint32_t poll(Event* events, std::uint32_t most) noexcept = 0;
  virtual std::string trouble() const = 0;

  // Readable when poll() has something to do, provided that may_sleep() said yes after the last
  // poll() or send(). May be readable for nothing. -1: there is none.
  virtual int wait_fd() const noexcept = 0;
  virtual bool may_sleep() noexcept = 0;
};

// What a module exports under kEndpointSymbol. Null: `error` says what was tried and what is
// usable.
inline constexpr char kEndpointModule[] = "liblamellar_ofi.so";
inline constexpr char kEndpointSymbol[] = "lamellar_open_endpoint_1";
using OpenEndpoint = Endpoint*(const EndpointOptions& options, std::string& error);

// Bytes of the largest message that `provider` delivers in one go, at most `asked`, in steps of 64.
// Larger ones ofi_rxm writes into a multi-receive buffer bit by bit.
std::uint32_t largest_message(const std::string& provider, std::uint32_t asked);

// Loads the module and opens an endpoint. What libraries do to the program's signal handlers while
// they are loaded is undone. PROCESS-GLOBAL: the module stays loaded. BLOCKS: some 0.4 s with
// libfabric 1.17. ERRORS: LaunchError that says what was tried and what is usable.
std::unique_ptr<Endpoint> open_endpoint(const EndpointOptions& options);

}  // namespace lamellar::lamellae

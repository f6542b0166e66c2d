#pragma once
// What several files of the suite need. Nothing here is shared between PEs.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include <lamellar/testing.hpp>

#include "base/core/sanitizers.hpp"

namespace multi {

using lamellar::Context;
using lamellar::Future;
using lamellar::Pe;
using lamellar::PeLocal;
using lamellar::RemoteError;
using lamellar::Task;
using lamellar::World;

#if defined(LAMELLAR_THREAD_SANITIZER) || defined(LAMELLAR_ADDRESS_SANITIZER)
inline constexpr bool kSlow = true;  // counts are divided by ten or more
#else
inline constexpr bool kSlow = false;
#endif

inline Pe next_pe(const World& world) { return (world.my_pe() + 1) % world.num_pes(); }
inline Pe next_pe(const Context& context) { return (context.my_pe() + 1) % context.num_pes(); }

// A setting of the job as the environment gives it, or empty.
inline std::string setting(const char* name) {
  const char* const text = std::getenv(name);
  return text != nullptr ? text : "";
}

// In bytes: "64K", "1048576".
inline std::uint64_t bytes_setting(const char* name, std::uint64_t otherwise) {
  const std::string text = setting(name);
  if (text.empty()) return otherwise;
  char* end = nullptr;
  const std::uint64_t number = std::strtoull(text.c_str(), &end, 10);
  return *end == 'K' ? number << 10 : *end == 'M' ? number << 20 : number;
}
inline std::uint64_t frame_bytes() { return bytes_setting("LAMELLAR_FRAME_BYTES", 32 << 10); }
inline std::uint64_t max_am() { return bytes_setting("LAMELLAR_MAX_AM", 1u << 30); }

// Bytes that differ by seed and place.
inline std::string text_of(std::size_t size, std::uint64_t seed) {
  std::string text(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (char& c : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return text;
}
inline std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

// A future that the test completes by hand.
class Gate {
 public:
  explicit Gate(const World& world)
      : state_(lamellar::detail::slab_new<lamellar::detail::FutureState<void>>(
            lamellar::detail::scheduler_of(world.engine()))) {}
  ~Gate() { state_->release(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Future<void> future() {
    state_->retain();
    return Future<void>(lamellar::detail::StateRef<lamellar::detail::FutureState<void>>(state_));
  }
  void open() {
    state_->emplace();
    state_->complete();
  }

 private:
  lamellar::detail::FutureState<void>* state_;
};

struct Counter {
  std::atomic<std::uint64_t> value{0};
};

// Calls f and returns the RemoteError it throws; anything else fails the test.
template <class F>
RemoteError remote_error_of(F f) {
  try {
    f();
  } catch (const RemoteError& error) {
    return error;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "no RemoteError: " << error.what();
    return RemoteError("", "", ~Pe{0}, "");
  }
  ADD_FAILURE() << "nothing was thrown";
  return RemoteError("", "", ~Pe{0}, "");
}

}  // namespace multi

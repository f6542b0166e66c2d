#pragma once
// Completion domains of this PE: messages that are waited for as one, counted in records. PEs that
// run them tell how many have ended (wire::Control::kEnded).
#include <atomic>
#include <cstdint>
#include <map>

#include <lamellar/types.hpp>

#include "base/clock/mutex.hpp"

namespace lamellar::engine {

class Engine;

// THREADS: any.
class Domains {
 public:
  explicit Domains(Engine& engine) : engine_(engine) {}

  // A detached message to all, begun here or passed on: when its `parts` have ended, one record of
  // `parent_domain` of `parent` has. Of one begun here `parent` is this PE and there is none (0).
  std::uint32_t open_broadcast(Pe parent, std::uint32_t parent_domain, std::uint32_t parts);
  // `records` more have ended. False: there is no such domain, or not so many are under way.
  bool ended(std::uint32_t domain, std::uint64_t records) noexcept;

  // Whether there was a moment, during the call, at which all that were begun here had ended.
  bool broadcasts_quiet() const noexcept {
    const std::uint64_t ended = broadcasts_ended_.load();
    return ended == broadcasts_begun_.load();
  }

 private:
  struct Broadcast {
    Pe parent;
    std::uint32_t parent_domain;
    std::uint64_t left;
  };
  void has_ended(const Broadcast& broadcast) noexcept;

  Engine& engine_;
  base::Mutex mutex_;
  std::map<std::uint32_t, Broadcast> broadcasts_;
  std::uint32_t last_ = 0;
  std::atomic<std::uint64_t> broadcasts_begun_{0};
  std::atomic<std::uint64_t> broadcasts_ended_{0};
};

}  // namespace lamellar::engine

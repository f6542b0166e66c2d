#pragma once
// Dissemination barrier over control records: ceil(log2 P) rounds; in round k every PE tells the
// one 2^k above it that it has come so far (Hensgen, Finkel, Manber 1988). Carries a value that is
// or-ed over all PEs, which costs nothing and serves agreement.
#include <atomic>
#include <cstdint>
#include <source_location>
#include <vector>

#include <lamellar/task.hpp>

#include "base/clock/mutex.hpp"
#include "engine/am/engine.hpp"

namespace lamellar::engine {

class Barrier final : public ControlHook {
 public:
  explicit Barrier(Engine& engine);
  ~Barrier();

  // Of the world this engine is of.
  static Barrier& of(Engine& engine);

  // Sequences that never meet: a user's barrier does not pair with the end of another PE.
  enum class Channel : std::uint8_t { kUser = 0, kQuiesce = 1, kEnd = 2 };
  // The place of a call among those on its channel; it is the order of these calls that all PEs
  // must have in common. THREADS: any; concurrent calls of one PE get their places in some order.
  std::uint64_t take_place(Channel channel) noexcept;
  // Collective: of all PEs that name the same sequence, below 2^54, on this channel. The future
  // gives the or of their values.
  Future<std::uint64_t> begin(Channel channel, std::uint64_t sequence, std::uint64_t value,
                              const detail::WaitLabel& label);
  const char* on_control(Pe source, const wire::ControlHead& head) noexcept override;
  void fail_all(const MakeError& make) noexcept override;

 private:
  struct Instance {
    std::uint64_t key = 0;      // sequence << 2 | channel
    std::uint64_t arrived = 0;  // bit k: the message of round k has come
    std::uint64_t value = 0;
    std::uint32_t round = 0;    // what this PE waits for
    detail::FutureState<std::uint64_t>* state = nullptr;  // set once this PE takes part
  };
  Instance& instance_of(std::uint64_t key);
  void send(const Instance& instance);
  void advance(Instance& instance);

  Engine& engine_;
  const std::uint32_t rounds_;
  std::atomic<std::uint64_t> next_[3] = {1, 1, 1};
  base::Mutex mutex_;           // guards open_
  std::vector<Instance> open_;  // few at a time
};

}  // namespace lamellar::engine

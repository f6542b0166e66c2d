#pragma once
// A seeded baton: of all threads that take part, one runs; at each park, yield, timer and queue
// hook the next one is drawn. Time is virtual. Same seed, same run.
// Model: deterministic simulation as in FoundationDB (Zhou et al., SIGMOD 2021).
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/rng.hpp"
#include "base/clock/sim_hook.hpp"

namespace lamellar::base {

class Sim {
 public:
  explicit Sim(std::uint64_t seed);
  ~Sim();
  Sim(const Sim&) = delete;
  Sim& operator=(const Sim&) = delete;

  // Runs `body` on the calling thread as the first participant; every base::Thread started below
  // it takes part too and must have ended when `body` returns. BLOCKS: may.
  void run(const std::function<void()>& body);

  // Hash of the event trace so far: (participant, hook, virtual time) of every switch point.
  std::uint64_t trace_hash() const noexcept { return hash_; }
  std::uint64_t steps() const noexcept { return steps_; }

  // Hooks, called by the primitives of this room only, on participants.
  std::uint64_t now_ns() const noexcept { return time_ns_; }
  std::uint64_t draw() noexcept { return rng_.next(); }
  void point(SimHook hook) noexcept;
  bool wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
            std::uint64_t deadline_ns) noexcept;
  int wake(std::atomic<std::uint32_t>& word, int count) noexcept;
  int add_participant() noexcept;      // by the parent, before the thread starts
  void enter(int participant) noexcept;  // first thing on the new thread
  // Last thing on it. `gone`, if any, becomes 1 and its waiters runnable in the same step.
  void leave(std::atomic<std::uint32_t>* gone = nullptr) noexcept;

 private:
  struct Participant;
  void switch_from(Participant& me, SimHook hook, std::unique_lock<std::mutex>& lock) noexcept;
  int make_runnable(const void* word, int count) noexcept;
  Participant* draw_next() noexcept;
  void note(const Participant& who, SimHook hook) noexcept;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Participant>> participants_;
  Participant* running_ = nullptr;
  Rng rng_;
  std::uint64_t time_ns_ = 1'000'000'000;
  std::uint64_t hash_ = 0xcbf29ce484222325u;
  std::uint64_t steps_ = 0;
};

}  // namespace lamellar::base

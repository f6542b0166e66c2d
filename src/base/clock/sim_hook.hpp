#pragma once
// What code calls that a simulation may interrupt: free outside of one.
#include <cstdint>

namespace lamellar::base {

class Sim;
enum class SimHook : std::uint8_t { kStart, kYield, kSpin, kQueue, kPark, kWake, kTimer, kExit };

// The simulation that the calling thread takes part in, or null.
extern constinit thread_local Sim* t_sim __attribute__((tls_model("initial-exec")));
// REQUIRES: t_sim is set.
void switch_in_sim(SimHook hook) noexcept;

// A place where a simulation may switch threads (queue operations).
inline void sim_point() noexcept {
  if (t_sim != nullptr) [[unlikely]]
    switch_in_sim(SimHook::kQueue);
}

// As long as one lives, a simulation leaves its thread running except where that one waits. For
// callbacks whose end others wait for without the simulation knowing it.
class SimStep {
 public:
  SimStep() noexcept { ++t_depth; }
  ~SimStep() { --t_depth; }
  SimStep(const SimStep&) = delete;
  SimStep& operator=(const SimStep&) = delete;
  static bool inside() noexcept { return t_depth != 0; }

 private:
  static inline constinit thread_local int t_depth = 0;
};

// A pause inside a spin loop; inside a simulation another thread may run.
inline void spin_pause() noexcept {
  if (t_sim != nullptr) [[unlikely]]
    return switch_in_sim(SimHook::kSpin);
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace lamellar::base

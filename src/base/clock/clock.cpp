#include "base/clock/clock.hpp"

#include <time.h>

#include "base/clock/sim.hpp"

namespace lamellar::base {

std::uint64_t now_ns() noexcept {
  if (Sim* sim = t_sim) return sim->now_ns();
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace lamellar::base

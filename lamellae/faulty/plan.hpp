#pragma once
// What LAMELLAR_FAULTS asks for.
#include <cstdint>
#include <string>

#include <lamellar/types.hpp>

namespace lamellar::lamellae {

struct FaultPlan {
  // Probabilities, and the longest times that belong to them. UNITS: nanoseconds
  double delay = 0;
  std::uint64_t delay_ns = 0;
  double reorder = 0;
  double refuse = 0;
  double slow_poll = 0;
  std::uint64_t slow_poll_ns = 0;  // 0: one look
  Pe kill_pe = 0;
  std::uint64_t kill_after = 0;  // times that the PE hands something over; 0: nobody dies
  std::uint64_t seed = 1;

  bool empty() const noexcept {
    return delay == 0 && reorder == 0 && refuse == 0 && slow_poll == 0 && kill_after == 0;
  }
};

// "delay=0.1:50us,refuse=0.2"; "" is a plan without faults.
// ERRORS: ConfigError with the item, what is wrong with it, and what is understood.
FaultPlan parse_faults(const std::string& text);

// ERRORS: ConfigError when it kills a PE that a job of `pes` has not.
void check_faults(const FaultPlan& plan, Pe pes);

}  // namespace lamellar::lamellae

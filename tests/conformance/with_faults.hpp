#pragma once
// Every fault there is, for a subject on top of another.
#include <memory>
#include <string>
#include <utility>

#include "base/clock/rng.hpp"
#include "base/clock/sim.hpp"
#include "conformance/subject.hpp"
#include "lamellae/faulty/faulty.hpp"

namespace lamellar::conformance {

// But for kill, which ends the job.
inline constexpr const char* kAllFaults =
    "delay=0.2:30us,reorder=0.2,refuse=0.2,slow_poll=0.2:3us";

// Under schedules drawn from a seed the faults are drawn from it too.
inline std::unique_ptr<lamellae::Lamella> with_faults(std::unique_ptr<lamellae::Lamella> lamella,
                                                      const std::string& faults) {
  lamellae::FaultPlan plan = lamellae::parse_faults(faults);
  if (base::t_sim != nullptr) plan.seed = base::random_u64();
  return lamellae::make_faulty(std::move(lamella), plan);
}

// What is handed over is there later, and a doorbell may ring for nothing.
inline Subject faulty(Subject subject) {
  subject.name = "faulty_" + subject.name;
  subject.network = true;
  return subject;
}

}  // namespace lamellar::conformance

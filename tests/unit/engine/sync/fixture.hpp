#pragma once
// Coroutines that are stepped and destroyed by hand, on a scheduler without workers.

#include "support/hand.hpp"
#include "unit/engine/sched/fixture.hpp"

namespace sync_test {

namespace base = lamellar::base;
namespace detail = lamellar::detail;
using lamellar::Future;
using lamellar::Task;
using lamellar::testing_support::Hand;
using sched_test::House;

// A scheduler that works when it is told; the test's thread counts as one of its tasks.
struct Bench {
  Bench() { detail::t_state.scheduler = &house.scheduler; }
  ~Bench() { detail::t_state.scheduler = nullptr; }
  Hand start(Hand hand) {
    hand.start();
    return hand;
  }
  // Whoever was woken goes on; how many jobs that were.
  int work() {
    int jobs = 0;
    while (house.scheduler.work_once()) ++jobs;
    return jobs;
  }
  House house{0};
};

}  // namespace sync_test

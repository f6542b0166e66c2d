// Very many timers at once: each fires once, at its time, unless it was removed.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>

#include "base/clock/rng.hpp"
#include "base/core/sanitizers.hpp"
#include "engine/sched/timers.hpp"
#include "unit/engine/sched/fixture.hpp"

namespace timers_test {
namespace {

using lamellar::detail::Job;
using lamellar::engine::Timer;
using lamellar::engine::Timers;
namespace base = lamellar::base;

#if defined(LAMELLAR_THREAD_SANITIZER) || defined(LAMELLAR_ADDRESS_SANITIZER)
constexpr std::uint32_t kTimers = 100'000;
#else
constexpr std::uint32_t kTimers = 1'000'000;
#endif
constexpr std::uint64_t kLatest = 5'000'000;
constexpr std::uint64_t kStep = 1000;

struct Alarm final : lamellar::detail::Waker {
  explicit Alarm(lamellar::engine::Scheduler& home)
      : Waker([](Job* job) noexcept { ++static_cast<Alarm*>(job)->fired; }, home) {
    timer.waker = this;
  }
  Timer timer;
  std::uint32_t fired = 0;
  bool removed = false;
};

TEST(Timers, FireOnceAtTheirTimeUnlessTheyWereRemoved) {
  sched_test::House house(0);
  Timers timers;
  std::deque<Alarm> alarms;
  base::Rng rng(7);
  for (std::uint32_t i = 0; i < kTimers; ++i) {
    Alarm& alarm = alarms.emplace_back(house.scheduler);
    alarm.timer.deadline_ns = 1 + rng.next() % kLatest;
    timers.add(alarm.timer);
  }
  std::uint64_t wrong = 0;
  for (std::uint64_t now = 0; now <= kLatest; now += kStep) {
    timers.fire(now);
    while (house.scheduler.work_once()) {
    }
    EXPECT_GT(timers.next_ns(), now);
    for (int i = 0; i < 100; ++i) {  // some are taken back, also such as have fired
      Alarm& alarm = alarms[rng.next() % kTimers];
      const bool due = alarm.timer.deadline_ns <= now;
      if (timers.remove(alarm.timer)) {
        if (due || alarm.removed) ++wrong;
        alarm.removed = true;
      } else if (!due && !alarm.removed) {
        ++wrong;
      }
    }
  }
  EXPECT_EQ(timers.next_ns(), base::kForever);
  for (const Alarm& alarm : alarms)
    if (alarm.fired != (alarm.removed ? 0u : 1u)) ++wrong;
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace timers_test

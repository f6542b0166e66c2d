#include "engine/sched/attendance.hpp"

#include <gtest/gtest.h>

#include <array>

#include "base/clock/sim.hpp"
#include "support/seeds.hpp"
#include "support/threads.hpp"
#include "unit/engine/sched/fixture.hpp"

namespace sched_test {
namespace {

using lamellar::testing_support::for_seeds;
using lamellar::testing_support::schedules;
using lamellar::testing_support::threads_named;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSoon = 20 * kMs;  // some rounds of the helper

// The calling thread is in user code, as far as the scheduler can tell.
void compute(std::uint64_t ns) {
  std::atomic<std::uint32_t> never{0};
  base::futex_wait(never, 0, base::now_ns() + ns);
}

std::size_t stand_ins() { return threads_named("lml7.standin"); }

std::unique_ptr<House> house_with_stand_in(std::uint32_t workers) {
  return std::make_unique<House>(workers, false, nullptr, true);
}

// Keeps whoever runs it for that long.
struct LongJob : detail::Job {
  explicit LongJob(std::uint64_t its_ns)
      : Job([](Job* job) noexcept { compute(static_cast<LongJob*>(job)->ns); }), ns(its_ns) {}
  std::uint64_t ns;
};

TEST(Attendance, SchedulesOfOneThatComputes) {
  for_seeds(schedules(50), [](std::uint64_t) {
    const auto house = house_with_stand_in(0);
    compute(kSoon);
    EXPECT_EQ(1u, stand_ins());
    EXPECT_EQ(1u, house->doorbell.waiters.load()) << "it sleeps where senders wake it";
    // Work that comes now is done.
    std::atomic<int> ran{0};
    std::array<CountJob, 3> jobs{CountJob(ran), CountJob(ran), CountJob(ran)};
    for (CountJob& job : jobs) {
      house->scheduler.submit(job);
      compute(kMs / 10);
    }
    EXPECT_EQ(3, ran.load());
    const std::uint64_t polls = house->hook.polls.load();
    compute(100 * kMs);
    EXPECT_EQ(polls, house->hook.polls.load()) << "nobody looks meanwhile";
  });
}

// Its number is not free for others: what only that thread may run waits for it.
TEST(Attendance, SchedulesOfAJobForOneThread) {
  for_seeds(schedules(20), [](std::uint64_t) {
    const auto house = house_with_stand_in(0);
    compute(kSoon);
    std::atomic<int> ran{0};
    CountJob job(ran);
    house->scheduler.submit_to(0, job);
    compute(kSoon);
    EXPECT_EQ(0, ran.load());
    work_until(*house, [&] { return ran.load() == 1; });
  });
}

TEST(Attendance, SchedulesOfTasksThatKeepAllThreads) {
  for_seeds(schedules(50), [](std::uint64_t) {
    const auto house = house_with_stand_in(1);
    LongJob longest(100 * kMs), also(100 * kMs);
    std::atomic<int> ran{0};
    CountJob job(ran);
    house->scheduler.submit(longest);
    house->scheduler.submit(also);
    std::atomic<bool> over{false};
    std::atomic<int> ran_meanwhile{0};
    base::Thread other("other", [&] {
      compute(kSoon);
      house->scheduler.submit(job);
      compute(kSoon);
      ran_meanwhile.store(ran.load());
      over.store(true);
      house->scheduler.wake_waiters();
    });
    work_until(*house, [&] { return over.load(); });
    EXPECT_EQ(1, ran_meanwhile.load());
    EXPECT_EQ(1u, stand_ins());
  });
}

// When a thread of the PE attends again, the one that stood in goes; and it comes again.
TEST(Attendance, SchedulesOfComingAndGoing) {
  for_seeds(schedules(50), [](std::uint64_t seed) {
    const auto house = house_with_stand_in(static_cast<std::uint32_t>(seed % 2));
    LongJob keeps_worker(400 * kMs);
    if (seed % 2 == 1) {
      house->scheduler.submit(keeps_worker);
      compute(kMs / 10);
    }
    for (int round = 0; round < 3; ++round) {
      compute(kSoon);
      ASSERT_EQ(1u, house->doorbell.waiters.load()) << "on duty, round " << round;
      std::atomic<int> ran{0};
      CountJob job(ran);
      house->scheduler.submit_to(0, job);  // wakes it too
      work_until(*house, [&] { return ran.load() == 1; });
      EXPECT_FALSE(house->scheduler.work_once());  // with a look at the network
      house->scheduler.wake_waiters();
      compute(kMs / 10);
      EXPECT_EQ(0u, house->doorbell.waiters.load()) << "relieved, round " << round;
    }
    EXPECT_EQ(1u, stand_ins());
  });
}

// Who waits in the library, busy or asleep, needs nobody.
TEST(Attendance, SchedulesWithoutNeed) {
  for_seeds(schedules(50), [](std::uint64_t seed) {
    const auto house = house_with_stand_in(static_cast<std::uint32_t>(seed % 3));
    std::atomic<bool> over{false};
    base::Thread other("other", [&] {
      std::atomic<int> ran{0};
      std::array<CountJob, 4> jobs{CountJob(ran), CountJob(ran), CountJob(ran), CountJob(ran)};
      for (CountJob& job : jobs) {
        compute(3 * kMs);
        house->scheduler.submit(job);
      }
      compute(50 * kMs);
      EXPECT_EQ(4, ran.load());
      over.store(true);
      house->scheduler.wake_waiters();
    });
    work_until(*house, [&] { return over.load(); });
    EXPECT_EQ(0u, stand_ins());
  });
}

// Nor does who is about to look, and is kept from it for long: by a machine that is busy.
TEST(Attendance, SchedulesOfOneThatIsAboutToLook) {
  for_seeds(schedules(10), [](std::uint64_t) {
    const auto house = house_with_stand_in(0);
    house->hook.stalls_at = 2;  // the first time is before it works for others
    house->hook.stalls_for_ns = kSoon;
    work_until(*house, [&] { return house->hook.idles.load() >= 2; });
    EXPECT_EQ(0u, stand_ins());
  });
}

void expect_answers_while_it_computes(House& house) {
  std::atomic<int> ran{0};
  CountJob job(ran);
  compute(kSoon);
  house.scheduler.submit(job);
  compute(kSoon);
  EXPECT_EQ(1, ran.load());
  while (house.scheduler.work_once()) {
  }
}

// All have slept, so that the helper sleeps too, or is just about to when one wakes up.
TEST(Attendance, SchedulesOfOneThatHasSlept) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    const auto house = house_with_stand_in(0);
    std::atomic<bool> rung{false};
    base::Thread other("other", [&] {
      // It looks every 2 ms, and sleeps at the second time.
      const std::uint64_t a_look = (2 + seed % 2 * 2) * kMs;
      compute(seed % 20 == 0 ? 50 * kMs : a_look - 16'000 + seed / 2 % 80 * 250);
      rung.store(true);
      house->scheduler.wake_waiters();
    });
    work_until(*house, [&] { return rung.load(); });
    expect_answers_while_it_computes(*house);
    other.join();
  });
}

// It was counted as one that sleeps for so long that the helper went to sleep, and did not sleep.
TEST(Attendance, SchedulesOfOneThatWasAboutToSleep) {
  for_seeds(schedules(10), [](std::uint64_t) {
    const auto house = house_with_stand_in(0);
    bool over = false;
    work_until(*house, [&] {
      if (!over && house->doorbell.waiters.load() != 0) {
        compute(kSoon);
        over = true;
      }
      return over;
    });
    expect_answers_while_it_computes(*house);
  });
}

TEST(Attendance, SchedulesWithPoll) {
  for_seeds(schedules(5), [](std::uint64_t) {
    House house(0);
    std::atomic<int> ran{0};
    CountJob job(ran);
    house.scheduler.submit(job);
    compute(100 * kMs);
    EXPECT_EQ(0, ran.load());
    EXPECT_EQ(0u, stand_ins());
    work_until(house, [&] { return ran.load() == 1; });
  });
}

// The end comes while it sleeps, while it works, or just when it is called.
TEST(Attendance, SchedulesOfTheEnd) {
  for_seeds(schedules(100), [](std::uint64_t seed) {
    const auto house = house_with_stand_in(static_cast<std::uint32_t>(seed % 2));
    LongJob keeps_it(2 * kMs);
    std::atomic<int> ran{0};
    CountJob last(ran);
    compute(seed * kMs / 8);
    if (seed % 4 >= 2) {
      house->scheduler.submit(keeps_it);
      compute(kMs / 20);
    }
    house->scheduler.submit(last);
    house->scheduler.stop();
    EXPECT_EQ(1, ran.load());
    EXPECT_EQ(0u, stand_ins());
  });
}

// With real threads: whoever computes on, until its stand-in has run what releases it.
TEST(Attendance, ReleasesTheOneThatComputes) {
  const auto house = house_with_stand_in(0);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> ran{0};
    CountJob job(ran);
    house->scheduler.submit(job);
    while (ran.load() == 0) {
    }
    CountJob mine(ran);
    house->scheduler.submit(mine);
    work_until(*house, [&] { return ran.load() == 2; });
  }
  EXPECT_EQ(1u, stand_ins());
}

}  // namespace
}  // namespace sched_test

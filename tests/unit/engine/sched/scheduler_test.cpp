#include "engine/sched/scheduler.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/clock/rng.hpp"
#include "base/clock/sim.hpp"
#include "support/seeds.hpp"
#include "engine/sched/planted.hpp"
#include "unit/engine/sched/fixture.hpp"

namespace sched_test {
namespace {

using lamellar::WouldDeadlock;

TEST(Scheduler, TheThreadThatWaitsRunsJobs) {
  House house(0);
  std::atomic<int> ran{0};
  CountJob job(ran);
  house.scheduler.submit(job);
  EXPECT_EQ(0, ran.load());
  EXPECT_TRUE(house.scheduler.work_once());
  EXPECT_FALSE(house.scheduler.work_once());
  EXPECT_EQ(1, ran.load());
}

TEST(Scheduler, JobsRunInTheOrderTheyCame) {
  struct Named : detail::Job {
    Named(std::string& its_order, char its_name)
        : Job([](Job* job) noexcept {
            auto* me = static_cast<Named*>(job);
            me->order += me->name;
          }),
          order(its_order),
          name(its_name) {}
    std::string& order;
    char name;
  };
  House house(0);
  std::string order;
  Named a(order, 'a'), b(order, 'b'), c(order, 'c');
  for (Named* job : {&a, &b, &c}) house.scheduler.submit(*job);
  while (house.scheduler.work_once()) {
  }
  EXPECT_EQ("abc", order);
}

TEST(Scheduler, WhatIsQueuedAtTheEndIsRun) {
  std::atomic<int> ran{0};
  CountJob first(ran), second(ran);
  House house(0);
  house.scheduler.submit(first);
  house.scheduler.submit(second);
  house.scheduler.stop();
  EXPECT_EQ(2, ran.load());
  house.scheduler.stop();
}

// Threads submit, workers and the waiting thread run, everybody parks now and then.
TEST(Scheduler, EveryJobRunsOnce) {
  constexpr int kThreads = 3;
  constexpr int kJobs = 400;
  House house(2);
  std::atomic<int> ran{0};
  std::deque<CountJob> jobs;
  for (int i = 0; i < kThreads * kJobs; ++i) jobs.emplace_back(ran);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kJobs; ++i) {
        house.scheduler.submit(jobs[static_cast<std::size_t>(thread * kJobs + i)]);
        if (i % 50 == 0) base::yield_thread();
      }
      while (ran.load() < kThreads * kJobs) base::yield_thread();
      house.scheduler.wake_waiters();
    });
  work_until(house, [&] { return ran.load() == kThreads * kJobs; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(kThreads * kJobs, ran.load());
}

TEST(Scheduler, AThreadThatWaitsParksAndIsWoken) {
  House house(0);
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (house.doorbell.sleeps.load() == 0) base::yield_thread();
    done.store(true);
    house.scheduler.wake_waiters();
  });
  work_until(house, [&] { return done.load(); });
  other.join();
  EXPECT_GE(house.doorbell.sleeps.load(), 1u);
  EXPECT_GE(house.hook.idles.load(), 1u);
  EXPECT_GE(house.hook.polls.load(), 1u);
}

TEST(Scheduler, AWaitThatIsOverDoesNotWork) {
  House house(0);
  std::atomic<int> ran{0};
  CountJob job(ran);
  house.scheduler.submit(job);
  work_until(house, [] { return true; });
  EXPECT_EQ(0, ran.load());
  EXPECT_TRUE(house.scheduler.work_once());
  EXPECT_EQ(1, ran.load());
}

TEST(Scheduler, RefusesToBlockInsideATask) {
  EXPECT_NO_THROW(
      engine::Scheduler::refuse_inside_task(kLabel, std::source_location::current()));
  struct Blocks : detail::Job {
    Blocks() : Job([](Job*) noexcept {
      try {
        engine::Scheduler::refuse_inside_task(kLabel, std::source_location::current());
        text() = "allowed";
      } catch (const WouldDeadlock& error) {
        text() = error.what();
      }
    }) {}
    static std::string& text() {
      static std::string text;
      return text;
    }
  };
  House house(0);
  Blocks blocks;
  house.scheduler.submit(blocks);
  house.scheduler.work_once();
  EXPECT_NE(std::string::npos, Blocks::text().find("a blocking wait for a test"));
  EXPECT_NE(std::string::npos, Blocks::text().find("scheduler_test.cpp:")) << Blocks::text();
  EXPECT_NE(std::string::npos, Blocks::text().find("co_await it")) << Blocks::text();
}

// A thread that is no worker submits and waits, workers park and are woken: whether every job ran
// within ten virtual seconds.
bool every_job_is_heard_of(std::uint64_t seed) {
  bool all = true;
  base::Sim sim(seed);
  sim.run([&] {
    House house(2);
    base::Rng rng(seed);
    std::atomic<int> ran{0};
    std::atomic<std::uint32_t> never{0};
    for (int i = 0; i < 5 && all; ++i) {
      CountJob job(ran);
      if (seed % 2 == 0)
        house.scheduler.submit_to(1 + static_cast<std::uint32_t>(rng.next() % 2), job);
      else
        house.scheduler.submit(job);
      // The next ones come while the workers are about to park.
      for (int look = 0; ran.load() < i + 1 && look < 500; ++look) base::yield_thread();
      for (int look = 0; ran.load() < i + 1 && look < 10; ++look)
        base::futex_wait(never, 0, base::now_ns() + 1'000'000'000);
      for (std::uint64_t pause = rng.next() % 400; pause > 0; --pause) base::yield_thread();
      all = ran.load() == i + 1;
      if (!all) house.scheduler.wake_waiters();  // now it is heard of
      while (ran.load() < i + 1) base::yield_thread();
    }
  });
  return all;
}

TEST(Scheduler, SchedulesOfParkingAndSubmitting) {
  const std::uint64_t seeds = lamellar::testing_support::schedules(1000);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    ASSERT_TRUE(every_job_is_heard_of(seed)) << "seed " << seed;
}

TEST(Scheduler, ThePlantedLostWakeUpIsFound) {
  engine::g_planted_lost_wake_up.store(true);
  std::uint64_t seed = 1;
  while (seed < 1000 && every_job_is_heard_of(seed)) ++seed;
  engine::g_planted_lost_wake_up.store(false);
  EXPECT_LT(seed, 1000u);
  RecordProperty("seed", std::to_string(seed));
}

}  // namespace
}  // namespace sched_test

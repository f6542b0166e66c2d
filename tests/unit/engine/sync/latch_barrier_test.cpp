#include <gtest/gtest.h>
#include <lamellar/sync.hpp>

#include <string>

#include "base/wait/wait.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Barrier;
using lamellar::Latch;

Hand waits_at(Latch& latch, int& passed) {
  co_await latch.wait();
  ++passed;
}

Hand arrives_at(Latch& latch, int& passed) {
  co_await latch.arrive_and_wait();
  ++passed;
}

Hand rounds(Barrier& barrier, int count, int& done) {
  for (int i = 0; i < count; ++i) {
    co_await barrier.arrive_and_wait();
    ++done;
  }
}

TEST(Latch, OpensWhenItIsCountedDown) {
  Bench bench;
  Latch latch(3);
  int passed = 0;
  const Hand first = bench.start(waits_at(latch, passed));
  const Hand second = bench.start(arrives_at(latch, passed));
  EXPECT_FALSE(latch.try_wait());
  latch.count_down(0);
  latch.count_down();
  EXPECT_EQ(0, bench.work());
  const Hand third = bench.start(arrives_at(latch, passed));  // the last one does not wait
  EXPECT_TRUE(third.done());
  EXPECT_TRUE(latch.try_wait());
  EXPECT_EQ(2, bench.work());
  EXPECT_EQ(3, passed);
  const Hand late = bench.start(waits_at(latch, passed));
  EXPECT_TRUE(late.done());
}

TEST(Latch, OfNothingIsOpen) {
  Bench bench;
  Latch latch(0);
  int passed = 0;
  EXPECT_TRUE(latch.try_wait());
  EXPECT_TRUE(bench.start(waits_at(latch, passed)).done());
}

TEST(Latch, SeveralAtOnce) {
  Bench bench;
  Latch latch(5);
  int passed = 0;
  const Hand hand = bench.start(waits_at(latch, passed));
  latch.count_down(5);
  bench.work();
  EXPECT_EQ(1, passed);
}

TEST(Latch, WhoIsDestroyedHasCountedDown) {
  Bench bench;
  Latch latch(2);
  int passed = 0;
  const Hand stays = bench.start(waits_at(latch, passed));
  Hand arrived = bench.start(arrives_at(latch, passed));
  Hand waiting = bench.start(waits_at(latch, passed));
  Hand granted = bench.start(waits_at(latch, passed));
  arrived.destroy();
  waiting.destroy();
  latch.count_down();
  granted.destroy();
  EXPECT_EQ(2, bench.work());  // one of them for nothing
  EXPECT_EQ(1, passed);
  EXPECT_TRUE(stays.done());
}

TEST(Barrier, ComesRoundAndRound) {
  Bench bench;
  Barrier barrier(3);
  int done[3] = {};
  std::vector<Hand> hands;
  for (int i = 0; i < 2; ++i) hands.push_back(bench.start(rounds(barrier, 4, done[i])));
  EXPECT_EQ(0, bench.work());
  for (int round = 1; round <= 4; ++round) {
    const Hand last = bench.start(rounds(barrier, 1, done[2]));
    EXPECT_EQ(round, done[2]);
    EXPECT_EQ(2, bench.work());
    EXPECT_EQ(round, done[0]);
    EXPECT_EQ(round, done[1]);
  }
  EXPECT_TRUE(hands[0].done() && hands[1].done());
}

TEST(Barrier, OfOneNeverWaits) {
  Bench bench;
  Barrier barrier(1);
  int done = 0;
  EXPECT_TRUE(bench.start(rounds(barrier, 5, done)).done());
  EXPECT_EQ(5, done);
}

TEST(Barrier, WhoDropsIsNotWaitedForAgain) {
  Bench bench;
  Barrier barrier(3);
  int done[2] = {};
  const Hand first = bench.start(rounds(barrier, 3, done[0]));
  const Hand second = bench.start(rounds(barrier, 2, done[1]));
  EXPECT_EQ(0, bench.work());
  barrier.arrive_and_drop();
  bench.work();
  EXPECT_EQ(2, done[0]);
  EXPECT_EQ(2, done[1]);
  EXPECT_FALSE(first.done());
  barrier.arrive_and_drop();
  bench.work();
  EXPECT_TRUE(first.done());
}

TEST(Barrier, WhoIsDestroyedHasArrived) {
  Bench bench;
  Barrier barrier(2);
  int done[2] = {};
  Hand first = bench.start(rounds(barrier, 2, done[0]));
  first.destroy();
  const Hand second = bench.start(rounds(barrier, 2, done[1]));
  EXPECT_EQ(1, done[1]);
  EXPECT_FALSE(second.done());
  barrier.arrive_and_drop();
  bench.work();
  EXPECT_TRUE(second.done());
}

TEST(Barrier, WaitsAreInTheTable) {
  Bench bench;
  Barrier barrier(2);
  Latch latch(1);
  int done = 0;
  const Hand at_barrier = bench.start(rounds(barrier, 1, done));
  const Hand at_latch = bench.start(waits_at(latch, done));
  const std::string waits = base::describe_waits();
  for (const char* const text : {"a barrier", "a latch", "latch_barrier_test.cpp:"})
    EXPECT_NE(std::string::npos, waits.find(text)) << waits;
}

TEST(LatchDeathTest, TooManyArrivalsAreAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Latch latch(2);
        latch.count_down(3);
      },
      "a latch: 3 arrived where 2 were missing");
  EXPECT_DEATH(
      {
        Barrier barrier(1);
        barrier.arrive_and_drop();
        barrier.arrive_and_drop();
      },
      "a barrier: 1 arrived where 0 were missing");
}

TEST(LatchDeathTest, DestroyingOneThatIsWaitedForIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Bench bench;
        int passed = 0;
        auto latch = std::make_unique<Latch>(1);
        Hand hand = bench.start(waits_at(*latch, passed));
        latch.reset();
      },
      "a latch was destroyed while coroutines wait for it");
}

// --- many threads --------------------------------------------------------------------------

Task<> counts(Barrier& barrier, std::atomic<int>& arrived, int participants, int times) {
  for (int round = 1; round <= times; ++round) {
    arrived.fetch_add(1);
    co_await barrier.arrive_and_wait();
    EXPECT_GE(arrived.load(), round * participants);
    co_await barrier.arrive_and_wait();
    EXPECT_LE(arrived.load(), (round + 1) * participants);
  }
}

TEST(Barrier, NobodyIsARoundAhead) {
  constexpr int kTasks = 8;
  constexpr int kTimes = 2000;
  House house(3);
  Barrier barrier(kTasks);
  std::atomic<int> arrived{0};
  std::vector<Future<void>> futures;
  for (int i = 0; i < kTasks; ++i)
    futures.push_back(
        detail::start_task(house.scheduler, counts(barrier, arrived, kTasks, kTimes)));
  for (auto& future : futures) future.block();
  EXPECT_EQ(kTasks * kTimes, arrived.load());
}

Task<> opens(std::uint64_t& plain, Latch& latch) {
  co_await latch.wait();
  EXPECT_EQ(2u, plain);
}

TEST(Latch, WhatWasDoneBeforeIsSeenBehind) {
  House house(2);
  for (int i = 0; i < 200; ++i) {
    Latch latch(2);
    std::uint64_t first = 0, second = 0;
    std::vector<Future<void>> futures;
    futures.push_back(detail::start_task(house.scheduler, opens(first, latch)));
    futures.push_back(detail::start_task(house.scheduler, opens(second, latch)));
    base::Thread outside("outside", [&] {
      first = 2;
      latch.count_down();
    });
    second = 2;
    latch.count_down();
    for (auto& future : futures) future.block();
  }
}

}  // namespace
}  // namespace sync_test

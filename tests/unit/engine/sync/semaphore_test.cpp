#include <gtest/gtest.h>
#include <lamellar/sync.hpp>

#include <string>

#include "base/wait/wait.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Semaphore;

Hand takes(Semaphore& semaphore, std::uint64_t count, std::string& order, char name) {
  co_await semaphore.acquire(count);
  order += name;
}

TEST(Semaphore, Counts) {
  Semaphore semaphore(3);
  EXPECT_EQ(3u, semaphore.available());
  EXPECT_TRUE(semaphore.try_acquire(2));
  EXPECT_FALSE(semaphore.try_acquire(2));
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_TRUE(semaphore.try_acquire(0));
  semaphore.release(5);
  EXPECT_EQ(5u, semaphore.available());
}

TEST(Semaphore, GuardsGiveBack) {
  Bench bench;
  Semaphore semaphore(3);
  {
    const auto two = semaphore.try_hold(2);
    EXPECT_TRUE(two.owns());
    EXPECT_FALSE(semaphore.try_hold(2));
    EXPECT_EQ(1u, semaphore.available());
  }
  EXPECT_EQ(3u, semaphore.available());
  const auto holds = [](Semaphore& its, std::uint64_t& seen) -> Hand {
    const auto guard = co_await its.hold(3);
    seen = its.available();
  };
  std::uint64_t seen = 9;
  Hand hand = bench.start(holds(semaphore, seen));
  EXPECT_EQ(0u, seen);
  EXPECT_EQ(3u, semaphore.available());
}

TEST(Semaphore, WhoAsksForManyHoldsUpTheLater) {
  Bench bench;
  Semaphore semaphore(1);
  std::string order;
  Hand a = bench.start(takes(semaphore, 3, order, 'a'));
  Hand b = bench.start(takes(semaphore, 1, order, 'b'));
  EXPECT_FALSE(semaphore.try_acquire());  // there is one, but not for those who come later
  semaphore.release();
  EXPECT_EQ(0, bench.work());
  semaphore.release();
  EXPECT_EQ(1, bench.work());
  EXPECT_EQ("a", order);
  semaphore.release(2);
  bench.work();
  EXPECT_EQ("ab", order);
  EXPECT_EQ(1u, semaphore.available());
}

TEST(Semaphore, OneReleaseMayWakeSeveral) {
  Bench bench;
  Semaphore semaphore(0);
  std::string order;
  std::vector<Hand> hands;
  for (const char name : {'a', 'b', 'c', 'd'})
    hands.push_back(bench.start(takes(semaphore, 1, order, name)));
  semaphore.release(3);
  EXPECT_EQ(3, bench.work());
  EXPECT_TRUE(hands[0].done() && hands[1].done() && hands[2].done());
  EXPECT_FALSE(hands[3].done());
  semaphore.release();
  bench.work();
  EXPECT_TRUE(hands[3].done());
}

TEST(Semaphore, IsInTheTableOfWaits) {
  Bench bench;
  Semaphore semaphore(0);
  std::string order;
  const Hand hand = bench.start(takes(semaphore, 1, order, 'a'));
  const std::string waits = base::describe_waits();
  EXPECT_NE(std::string::npos, waits.find("a semaphore")) << waits;
  EXPECT_NE(std::string::npos, waits.find("semaphore_test.cpp:")) << waits;
}

// The one in front asked for more than there is; without it the next ones may go on.
TEST(Semaphore, AWaiterThatIsDestroyedNoLongerHoldsUpOthers) {
  Bench bench;
  Semaphore semaphore(2);
  std::string order;
  Hand greedy = bench.start(takes(semaphore, 5, order, 'g'));
  Hand a = bench.start(takes(semaphore, 1, order, 'a'));
  Hand b = bench.start(takes(semaphore, 1, order, 'b'));
  Hand c = bench.start(takes(semaphore, 1, order, 'c'));
  EXPECT_EQ(0, bench.work());
  greedy.destroy();
  EXPECT_EQ(2, bench.work());
  EXPECT_TRUE(a.done());
  EXPECT_TRUE(b.done());
  EXPECT_FALSE(c.done());
  c.destroy();
  EXPECT_EQ(0u, semaphore.available());
  semaphore.release();
  EXPECT_TRUE(semaphore.try_acquire());
}

TEST(Semaphore, PermitsOfAWaiterThatIsDestroyedBeforeItRunsGoOn) {
  Bench bench;
  Semaphore semaphore(0);
  std::string order;
  Hand first = bench.start(takes(semaphore, 2, order, '1'));
  Hand a = bench.start(takes(semaphore, 1, order, 'a'));
  Hand b = bench.start(takes(semaphore, 2, order, 'b'));
  semaphore.release(2);
  first.destroy();
  bench.work();
  EXPECT_EQ("a", order);
  EXPECT_EQ(1u, semaphore.available());
  semaphore.release(1);
  b.destroy();
  EXPECT_EQ(2u, semaphore.available());
  EXPECT_TRUE(semaphore.try_acquire(2));
}

TEST(SemaphoreDeathTest, ReleasingTooManyIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Semaphore semaphore(std::uint64_t{1} << 62);
        semaphore.release();
      },
      "more permits were released than a semaphore can count");
}

TEST(SemaphoreDeathTest, DestroyingOneThatIsWaitedForIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Bench bench;
        std::string order;
        auto semaphore = std::make_unique<Semaphore>(0);
        Hand hand = bench.start(takes(*semaphore, 1, order, 'a'));
        semaphore.reset();
      },
      "a semaphore was destroyed while coroutines wait for it");
}

// --- many threads --------------------------------------------------------------------------

Task<> uses(Semaphore& semaphore, std::uint64_t count, std::atomic<std::int64_t>& in_use,
            std::int64_t most, int times) {
  for (int i = 0; i < times; ++i) {
    const auto guard = co_await semaphore.hold(count);
    const std::int64_t mine = static_cast<std::int64_t>(count);
    EXPECT_LE(in_use.fetch_add(mine) + mine, most);
    in_use.fetch_sub(mine);
  }
}

TEST(Semaphore, NeverGivesOutMoreThanThereAre) {
  constexpr std::int64_t kPermits = 5;
  House house(3);
  Semaphore semaphore(kPermits);
  std::atomic<std::int64_t> in_use{0};
  std::vector<Future<void>> futures;
  for (int i = 0; i < 15; ++i)
    futures.push_back(detail::start_task(
        house.scheduler,
        uses(semaphore, static_cast<std::uint64_t>(i % 5 + 1), in_use, kPermits, 2000)));
  for (auto& future : futures) future.block();
  EXPECT_EQ(static_cast<std::uint64_t>(kPermits), semaphore.available());
}

Task<> waits_for(Semaphore& semaphore, int times) {
  for (int i = 0; i < times; ++i) co_await semaphore.acquire();
}

TEST(Semaphore, ThreadsOutsideSignalTasks) {
  constexpr int kThreads = 3;
  constexpr int kTimes = 20000;
  House house(2);
  Semaphore semaphore(0);
  std::vector<Future<void>> futures;
  for (int i = 0; i < kThreads; ++i)
    futures.push_back(detail::start_task(house.scheduler, waits_for(semaphore, kTimes)));
  std::vector<std::unique_ptr<base::Thread>> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.push_back(std::make_unique<base::Thread>("outside", [&] {
      for (int n = 0; n < kTimes; ++n) semaphore.release();
    }));
  for (auto& future : futures) future.block();
  threads.clear();
  EXPECT_EQ(0u, semaphore.available());
}

}  // namespace
}  // namespace sync_test

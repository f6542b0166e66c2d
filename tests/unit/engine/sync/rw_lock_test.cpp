#include <gtest/gtest.h>
#include <lamellar/sync.hpp>

#include <string>

#include "base/wait/wait.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::RwLock;

Hand reads(RwLock& lock, std::string& order, char name, RwLock::SharedGuard& place) {
  place = co_await lock.lock_shared();
  order += name;
}

Hand writes(RwLock& lock, std::string& order, char name, RwLock::Guard& place) {
  place = co_await lock.lock();
  order += name;
}

TEST(RwLock, ReadersShareAndAWriterIsAlone) {
  RwLock lock;
  {
    const auto first = lock.try_lock_shared();
    const auto second = lock.try_lock_shared();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(lock.try_lock());
  }
  const auto writer = lock.try_lock();
  EXPECT_TRUE(writer);
  EXPECT_FALSE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock_shared());
}

TEST(RwLock, IsServedInTheOrderOfArrival) {
  Bench bench;
  RwLock lock;
  std::string order;
  RwLock::SharedGuard held = lock.try_lock_shared();
  RwLock::Guard w1, w2;
  RwLock::SharedGuard r1, r2, r3;
  std::vector<Hand> hands;
  hands.push_back(bench.start(writes(lock, order, 'W', w1)));
  hands.push_back(bench.start(reads(lock, order, 'a', r1)));  // behind the writer that waits
  hands.push_back(bench.start(reads(lock, order, 'b', r2)));
  hands.push_back(bench.start(writes(lock, order, 'X', w2)));
  hands.push_back(bench.start(reads(lock, order, 'c', r3)));
  EXPECT_FALSE(lock.try_lock_shared());
  EXPECT_EQ("", order);
  held.unlock();
  bench.work();
  EXPECT_EQ("W", order);
  w1.unlock();
  EXPECT_EQ(2, bench.work());
  EXPECT_TRUE(r1.owns() && r2.owns());
  r1.unlock();
  EXPECT_EQ(0, bench.work());
  r2.unlock();
  bench.work();
  EXPECT_EQ('X', order.back());
  EXPECT_EQ(4u, order.size());
  w2.unlock();
  bench.work();
  EXPECT_EQ('c', order.back());
  EXPECT_FALSE(lock.try_lock());
  r3.unlock();
  EXPECT_TRUE(lock.try_lock());
}

TEST(RwLock, AWriterThatIsDestroyedLetsReadersIn) {
  Bench bench;
  RwLock lock;
  std::string order;
  const RwLock::SharedGuard held = lock.try_lock_shared();
  RwLock::Guard w;
  RwLock::SharedGuard r1, r2;
  Hand writer = bench.start(writes(lock, order, 'W', w));
  const Hand first = bench.start(reads(lock, order, 'a', r1));
  const Hand second = bench.start(reads(lock, order, 'b', r2));
  writer.destroy();
  EXPECT_EQ(2, bench.work());
  EXPECT_TRUE(r1.owns() && r2.owns());
}

TEST(RwLock, WhoIsDestroyedBeforeItRunsPassesItOn) {
  Bench bench;
  RwLock lock;
  std::string order;
  RwLock::Guard w1, w2;
  RwLock::SharedGuard r1, r2;
  auto held = lock.try_lock();
  Hand reader = bench.start(reads(lock, order, 'a', r1));
  Hand writer = bench.start(writes(lock, order, 'W', w1));
  const Hand last = bench.start(reads(lock, order, 'b', r2));
  held.unlock();
  reader.destroy();
  writer.destroy();
  bench.work();
  EXPECT_EQ("b", order);
  r2.unlock();
  EXPECT_TRUE(lock.try_lock());
}

TEST(RwLock, IsInTheTableOfWaits) {
  Bench bench;
  RwLock lock;
  std::string order;
  const auto held = lock.try_lock();
  RwLock::SharedGuard r;
  const Hand reader = bench.start(reads(lock, order, 'a', r));
  const std::string waits = base::describe_waits();
  EXPECT_NE(std::string::npos, waits.find("a reader-writer lock")) << waits;
  EXPECT_NE(std::string::npos, waits.find("rw_lock_test.cpp:")) << waits;
}

TEST(RwLockDeathTest, DestroyingOneThatIsWaitedForIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Bench bench;
        std::string order;
        auto lock = std::make_unique<RwLock>();
        auto held = lock->try_lock();
        RwLock::Guard w;
        Hand hand = bench.start(writes(*lock, order, 'W', w));
        lock.reset();
      },
      "a reader-writer lock was destroyed while coroutines wait for it");
}

// --- many threads --------------------------------------------------------------------------

struct Pair {
  RwLock lock;
  std::uint64_t first = 0;  // equal whenever nobody writes
  std::uint64_t second = 0;
};

Task<> mostly_reads(Pair& pair, int times) {
  for (int i = 0; i < times; ++i) {
    if (i % 4 != 0) {
      const auto guard = co_await pair.lock.lock_shared();
      EXPECT_EQ(pair.first, pair.second);
    } else {
      const auto guard = co_await pair.lock.lock();
      ++pair.first;
      base::spin_pause();
      ++pair.second;
    }
  }
}

TEST(RwLock, ReadersNeverSeeHalfOfAWrite) {
  constexpr int kTasks = 12;
  constexpr int kTimes = 4000;
  House house(3);
  Pair pair;
  std::vector<Future<void>> futures;
  for (int i = 0; i < kTasks; ++i)
    futures.push_back(detail::start_task(house.scheduler, mostly_reads(pair, kTimes)));
  base::Thread outside("outside", [&] {
    for (int i = 0; i < kTimes; ++i) {
      const auto guard = pair.lock.try_lock_shared();
      EXPECT_TRUE(!guard || pair.first == pair.second);
    }
  });
  for (auto& future : futures) future.block();
  outside.join();
  EXPECT_EQ(static_cast<std::uint64_t>(kTasks * kTimes / 4), pair.first);
  EXPECT_TRUE(pair.lock.try_lock());
}

}  // namespace
}  // namespace sync_test

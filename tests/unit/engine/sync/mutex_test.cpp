#include <gtest/gtest.h>
#include <lamellar/sync.hpp>

#include <string>

#include "base/wait/wait.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Mutex;

// Writes its name when it has the lock, and again when it has let it go.
Hand visits(Mutex& mutex, std::string& order, char name) {
  auto guard = co_await mutex.lock();
  order += name;
  guard.unlock();
}

Hand keeps(Mutex& mutex, Mutex::Guard& place) { place = co_await mutex.lock(); }

TEST(Mutex, IsHeldByOne) {
  Bench bench;
  Mutex mutex;
  Mutex::Guard guard = mutex.try_lock();
  EXPECT_TRUE(guard.owns());
  EXPECT_FALSE(mutex.try_lock());
  Mutex::Guard other = std::move(guard);
  EXPECT_FALSE(guard.owns());
  EXPECT_FALSE(mutex.try_lock());
  other.unlock();
  EXPECT_FALSE(other.owns());
  other.unlock();
  EXPECT_TRUE(mutex.try_lock());  // and unlocked at once
  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, AssigningAGuardLetsGoOfTheOldOne) {
  Mutex first, second;
  Mutex::Guard guard = first.try_lock();
  guard = second.try_lock();
  EXPECT_TRUE(first.try_lock());
  EXPECT_FALSE(second.try_lock());
}

TEST(Mutex, AFreeOneIsLockedWithoutSuspending) {
  Bench bench;
  Mutex mutex;
  std::string order;
  Hand one = bench.start(visits(mutex, order, 'a'));
  EXPECT_TRUE(one.done());
  EXPECT_EQ("a", order);
  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, IsPassedOnInTheOrderOfAsking) {
  Bench bench;
  Mutex mutex;
  std::string order;
  auto guard = mutex.try_lock();
  std::vector<Hand> hands;
  for (const char name : {'a', 'b', 'c', 'd'})
    hands.push_back(bench.start(visits(mutex, order, name)));
  EXPECT_EQ("", order);
  guard.unlock();
  EXPECT_FALSE(mutex.try_lock());  // nobody overtakes
  bench.work();
  EXPECT_EQ("abcd", order);
  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, AWaitIsInTheTableWithItsPlace) {
  Bench bench;
  Mutex mutex;
  std::string order;
  auto guard = mutex.try_lock();
  Hand hand = bench.start(visits(mutex, order, 'a'));
  const std::string waits = base::describe_waits();
  EXPECT_NE(std::string::npos, waits.find("a mutex")) << waits;
  EXPECT_NE(std::string::npos, waits.find("mutex_test.cpp:")) << waits;
  guard.unlock();
  bench.work();
  EXPECT_EQ(std::string::npos, base::describe_waits().find("a mutex"));
}

TEST(Mutex, AWaiterThatIsDestroyedIsPassedOver) {
  for (int which = 0; which < 3; ++which) {
    Bench bench;
    Mutex mutex;
    std::string order;
    auto guard = mutex.try_lock();
    std::vector<Hand> hands;
    for (const char name : {'a', 'b', 'c'})
      hands.push_back(bench.start(visits(mutex, order, name)));
    hands[static_cast<std::size_t>(which)].destroy();
    guard.unlock();
    bench.work();
    EXPECT_EQ((std::vector<std::string>{"bc", "ac", "ab"})[static_cast<std::size_t>(which)], order);
    EXPECT_TRUE(mutex.try_lock());
  }
}

TEST(Mutex, TheOnlyWaiterIsDestroyed) {
  Bench bench;
  Mutex mutex;
  std::string order;
  auto guard = mutex.try_lock();
  bench.start(visits(mutex, order, 'a')).destroy();
  EXPECT_FALSE(mutex.try_lock());
  guard.unlock();
  EXPECT_EQ(0, bench.work());
  EXPECT_TRUE(mutex.try_lock());
}

// It has the lock already, but has not run since.
TEST(Mutex, AHolderThatIsDestroyedBeforeItRunsPassesItOn) {
  Bench bench;
  Mutex mutex;
  std::string order;
  auto guard = mutex.try_lock();
  Hand first = bench.start(visits(mutex, order, 'a'));
  Hand second = bench.start(visits(mutex, order, 'b'));
  guard.unlock();
  first.destroy();
  EXPECT_FALSE(mutex.try_lock());
  second.destroy();
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_EQ(2, bench.work());  // for nothing
  EXPECT_EQ("", order);

  guard = mutex.try_lock();
  first = bench.start(visits(mutex, order, 'a'));
  second = bench.start(visits(mutex, order, 'b'));
  guard.unlock();
  first.destroy();
  bench.work();
  EXPECT_EQ("b", order);
}

TEST(Mutex, AGuardInADestroyedFrameUnlocks) {
  Bench bench;
  Mutex mutex, gate;
  auto closed = gate.try_lock();
  const auto holds_and_waits = [](Mutex& held, Mutex& waits) -> Hand {
    const auto guard = co_await held.lock();
    const auto never = co_await waits.lock();
  };
  Hand hand = bench.start(holds_and_waits(mutex, gate));
  EXPECT_FALSE(mutex.try_lock());
  hand.destroy();
  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, AGuardMayOutliveItsCoroutine) {
  Bench bench;
  Mutex mutex;
  Mutex::Guard place;
  { const Hand hand = bench.start(keeps(mutex, place)); }
  EXPECT_FALSE(mutex.try_lock());
  place.unlock();
  EXPECT_TRUE(mutex.try_lock());
}

TEST(MutexDeathTest, DestroyingOneThatIsWaitedForIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Bench bench;
        std::string order;
        auto mutex = std::make_unique<Mutex>();
        auto guard = mutex->try_lock();
        Hand hand = bench.start(visits(*mutex, order, 'a'));
        mutex.reset();
      },
      "a mutex was destroyed while coroutines wait for it");
}

// --- many threads --------------------------------------------------------------------------

Task<> adds(Mutex& mutex, std::uint64_t& sum, int times) {
  for (int i = 0; i < times; ++i) {
    const auto guard = co_await mutex.lock();
    ++sum;  // no atomic
  }
}

TEST(Mutex, TasksAndThreadsExcludeEachOther) {
  constexpr int kTasks = 20;
  constexpr int kTimes = 3000;
  House house(3);
  Mutex mutex;
  std::uint64_t sum = 0;
  std::vector<Future<void>> futures;
  for (int i = 0; i < kTasks; ++i)
    futures.push_back(detail::start_task(house.scheduler, adds(mutex, sum, kTimes)));
  std::vector<std::unique_ptr<base::Thread>> threads;
  for (int i = 0; i < 2; ++i)
    threads.push_back(std::make_unique<base::Thread>("outside", [&] {
      for (int done = 0; done < kTimes;) {
        const auto guard = mutex.try_lock();
        if (guard) {
          ++sum;
          ++done;
        } else {
          base::yield_thread();
        }
      }
    }));
  for (auto& future : futures) future.block();
  threads.clear();
  EXPECT_EQ(static_cast<std::uint64_t>((kTasks + 2) * kTimes), sum);
  EXPECT_TRUE(mutex.try_lock());
}

}  // namespace
}  // namespace sync_test

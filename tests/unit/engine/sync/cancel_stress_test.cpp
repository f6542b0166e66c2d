// Coroutines of one thread begin to wait and are destroyed, before or after they were granted what
// they wait for, while tasks and threads use the same things.
#include <gtest/gtest.h>
#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Channel;
using lamellar::Mutex;
using lamellar::RwLock;

constexpr int kTasks = 6;
constexpr int kTimes = 2000;

bool all_ready(const std::vector<Future<void>>& futures) {
  return std::all_of(futures.begin(), futures.end(),
                     [](const auto& future) { return future.ready(); });
}

// Tasks elsewhere, and coroutines of this thread as long as those are busy.
template <class Start>
void until_ready(std::vector<Future<void>>& futures, const Start& start) {
  Bench mine;
  for (int i = 0; !all_ready(futures); ++i) {
    Hand first = mine.start(start());
    Hand second = mine.start(start());
    if (i % 2 == 0) base::yield_thread();
    if (i % 3 == 0) mine.work();
    if (i % 5 == 0) second.destroy();
  }
  for (auto& future : futures) future.block();
}

Task<> adds(Mutex& mutex, std::uint64_t& sum) {
  for (int i = 0; i < kTimes; ++i) {
    const auto guard = co_await mutex.lock();
    ++sum;
    if (i % 4 == 0) co_await lamellar::yield();
  }
}

Hand locks(Mutex& mutex, std::uint64_t& sum, std::uint64_t& mine) {
  const auto guard = co_await mutex.lock();
  ++sum;
  ++mine;
}

TEST(CancelStress, AMutexIsNeverLost) {
  House house(2);
  Mutex mutex;
  std::uint64_t sum = 0, mine = 0;
  std::vector<Future<void>> futures;
  for (int i = 0; i < kTasks; ++i)
    futures.push_back(detail::start_task(house.scheduler, adds(mutex, sum)));
  until_ready(futures, [&] { return locks(mutex, sum, mine); });
  EXPECT_EQ(static_cast<std::uint64_t>(kTasks * kTimes) + mine, sum);
  EXPECT_TRUE(mutex.try_lock());
}

Task<> reads_and_writes(RwLock& lock, std::uint64_t& value) {
  for (int i = 0; i < kTimes; ++i) {
    if (i % 2 == 0) {
      const auto guard = co_await lock.lock();
      ++value;
    } else {
      const auto guard = co_await lock.lock_shared();
      EXPECT_NE(0u, value);
      co_await lamellar::yield();
    }
  }
}

Hand reads_or_writes(RwLock& lock, std::uint64_t& value, bool writes) {
  if (writes) {
    const auto guard = co_await lock.lock();
    ++value;
  } else {
    const auto guard = co_await lock.lock_shared();
    EXPECT_NE(~std::uint64_t{0}, value);
  }
}

TEST(CancelStress, AReaderWriterLockIsNeverLost) {
  House house(2);
  RwLock lock;
  std::uint64_t value = 0;
  bool writes = false;
  std::vector<Future<void>> futures;
  for (int i = 0; i < kTasks; ++i)
    futures.push_back(detail::start_task(house.scheduler, reads_and_writes(lock, value)));
  until_ready(futures, [&] { return reads_or_writes(lock, value, writes = !writes); });
  EXPECT_TRUE(lock.try_lock());
}

Task<> sends_all(Channel<std::unique_ptr<int>>& channel, int first) {
  for (int i = 0; i < kTimes; ++i) co_await channel.send(std::make_unique<int>(first + i));
}

Hand receives_one(Channel<std::unique_ptr<int>>& channel, std::vector<int>& seen) {
  const auto value = co_await channel.receive();
  if (value) ++seen[static_cast<std::size_t>(**value)];
}

TEST(CancelStress, ValuesAreNeverLostNorDoubled) {
  for (const std::size_t capacity : {0u, 3u}) {
    House house(2);
    Channel<std::unique_ptr<int>> channel(capacity);
    std::vector<int> seen(kTasks * kTimes);
    std::vector<Future<void>> futures;
    for (int i = 0; i < kTasks; ++i)
      futures.push_back(detail::start_task(house.scheduler, sends_all(channel, i * kTimes)));
    until_ready(futures, [&] { return receives_one(channel, seen); });
    while (const auto value = channel.try_receive()) ++seen[static_cast<std::size_t>(**value)];
    for (const int times : seen) ASSERT_EQ(1, times);
  }
}

// What a sender that was destroyed had sent is received, what it had not is freed with it.
Hand sends_one(Channel<std::shared_ptr<int>>& channel, std::shared_ptr<int> value) {
  co_await channel.send(std::move(value));
}

Task<> receives_all(Channel<std::shared_ptr<int>>& channel, std::uint64_t& received) {
  for (;;) {
    const auto value = co_await channel.receive();
    if (!value) co_return;
    ++received;
  }
}

TEST(CancelStress, ValuesOfSendersAreReceivedOrFreed) {
  House house(2);
  const auto value = std::make_shared<int>(1);
  {
    Channel<std::shared_ptr<int>> channel(1);
    std::uint64_t received[2] = {};
    std::vector<Future<void>> futures;
    for (auto& count : received)
      futures.push_back(detail::start_task(house.scheduler, receives_all(channel, count)));
    Bench mine;
    for (int i = 0; i < kTimes; ++i) {
      Hand hand = mine.start(sends_one(channel, value));
      if (i % 3 == 0) mine.work();
    }
    channel.close();
    for (auto& future : futures) future.block();
    EXPECT_LE(received[0] + received[1], static_cast<std::uint64_t>(kTimes));
  }
  EXPECT_EQ(1, value.use_count());
}

}  // namespace
}  // namespace sync_test

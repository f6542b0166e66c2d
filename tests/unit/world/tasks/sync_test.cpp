// Locks, counters and channels in a world: tasks, active messages, threads that block.
#include <gtest/gtest.h>
#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>
#include <lamellar/world.hpp>

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock/thread.hpp"

namespace sync_world_test {

using lamellar::Channel;
using lamellar::Future;
using lamellar::Latch;
using lamellar::Mutex;
using lamellar::Semaphore;
using lamellar::Task;
using lamellar::World;
using namespace std::chrono_literals;

// Answers when somebody has opened the latch.
struct WaitAtLatch {
  std::uint64_t latch = 0;  // an address: it runs on its own PE only
  Task<int> exec(lamellar::Context&) {
    co_await reinterpret_cast<Latch*>(latch)->wait();
    co_return 1;
  }
};
LAMELLAR_AM(WaitAtLatch, latch);

namespace {

class SyncInAWorld : public testing::TestWithParam<std::uint32_t> {
 protected:
  World world = lamellar::WorldBuilder().force_num_pes(1).force_threads(GetParam()).init();
};
INSTANTIATE_TEST_SUITE_P(Threads, SyncInAWorld, testing::Values(1u, 3u));

Task<> adds(Mutex& mutex, int& sum) {
  const auto guard = co_await mutex.lock();
  ++sum;
}

TEST_P(SyncInAWorld, AThreadThatBlocksTakesPart) {
  Mutex mutex;
  int sum = 0;
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(world.spawn(adds(mutex, sum)));
  lamellar::base::Thread outside("outside", [&] {
    for (int i = 0; i < 100; ++i) world.block_on(adds(mutex, sum));
  });
  for (int i = 0; i < 100; ++i) world.block_on(adds(mutex, sum));
  for (auto& task : tasks) task.block();
  outside.join();
  EXPECT_EQ(300, sum);
}

TEST_P(SyncInAWorld, AnActiveMessageMayWait) {
  Latch latch(1);
  std::vector<Future<int>> answers;
  for (int i = 0; i < 3; ++i)
    answers.push_back(
        world.exec_am_pe<WaitAtLatch>(0, reinterpret_cast<std::uint64_t>(&latch)).spawn());
  for (const auto& answer : answers) EXPECT_FALSE(answer.ready());
  latch.count_down();
  for (auto& answer : answers) EXPECT_EQ(1, answer.block());
}

Task<std::optional<int>> first_of(Channel<int>& channel) {
  auto value = co_await channel.receive();
  co_return value;
}

// The time-out lets go of the future; the task still waits, and gets the end.
TEST_P(SyncInAWorld, AWaitMayTimeOut) {
  Channel<int> channel(1);
  auto limited = [](World& its, Channel<int>& from) -> Task<bool> {
    try {
      const auto value = co_await lamellar::with_timeout(its.spawn(first_of(from)), 2ms);
      EXPECT_FALSE(value);
    } catch (const lamellar::TimedOut&) {
      co_return true;
    }
    co_return false;
  };
  EXPECT_TRUE(world.block_on(limited(world, channel)));
  channel.close();
  auto last = world.spawn(first_of(channel));
  EXPECT_EQ(std::nullopt, last.block());
}

Task<> squares(Channel<int>& from, Channel<int>& to, Latch& done) {
  for (;;) {
    const std::optional<int> value = co_await from.receive();
    if (!value) break;
    co_await to.send(*value * *value);
  }
  done.count_down();
}

Task<> feeds(Channel<int>& channel, int count) {
  for (int i = 1; i <= count; ++i) co_await channel.send(i);
  channel.close();
}

Task<> closes_behind(Latch& latch, Channel<int>& channel) {
  co_await latch.wait();
  channel.close();
}

Task<std::int64_t> adds_up(Channel<int>& channel) {
  std::int64_t sum = 0;
  for (;;) {
    const std::optional<int> value = co_await channel.receive();
    if (!value) co_return sum;
    sum += *value;
  }
}

TEST_P(SyncInAWorld, ChannelsMakeALine) {
  Channel<int> numbers(4), results(2);
  Latch done(3);
  std::vector<Future<void>> line;
  line.push_back(world.spawn(feeds(numbers, 1000)));
  for (int i = 0; i < 3; ++i) line.push_back(world.spawn(squares(numbers, results, done)));
  line.push_back(world.spawn(closes_behind(done, results)));
  EXPECT_EQ(333'833'500, world.block_on(adds_up(results)));
  for (auto& one : line) one.block();
}

}  // namespace
}  // namespace sync_world_test

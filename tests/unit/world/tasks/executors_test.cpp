// What every executor has to stand: those of the library, and one of a user.
#include <gtest/gtest.h>
#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>
#include <lamellar/world.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/sched/executors.hpp"

namespace executors_test {
namespace {

using lamellar::Executor;
using lamellar::Future;
using lamellar::Job;
using lamellar::Priority;
using lamellar::Task;
using lamellar::World;
using namespace std::chrono_literals;

// As a user would write one: a list behind a lock.
class UsersOwn final : public Executor {
 public:
  void start(const Crew&) override {}
  void submit(Job& job, Priority, std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(&job);
  }
  Job* take(std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return nullptr;
    Job* const job = jobs_.front();
    jobs_.erase(jobs_.begin());
    return job;
  }
  bool has_work(std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    return !jobs_.empty();
  }

 private:
  std::mutex mutex_;
  std::vector<Job*> jobs_;
};

struct Param {
  std::string executor;
  std::uint32_t threads;
};

std::vector<Param> params() {
  std::vector<std::string> names = {"stealing", "fifo", "priority", "single", "own"};
  if (lamellar::engine::make_tbb_executor()) names.push_back("tbb");
  std::vector<Param> all;
  for (const std::string& name : names)
    for (const std::uint32_t threads : {1u, 3u}) all.push_back({name, threads});
  return all;
}

World make_world(const Param& param) {
  lamellar::WorldBuilder builder;
  builder.force_num_pes(1).force_threads(param.threads);
  if (param.executor == "own")
    builder.executor([] { return std::make_unique<UsersOwn>(); });
  else
    builder.force("EXECUTOR", param.executor);
  return builder.init();
}

class Executors : public testing::TestWithParam<Param> {
 protected:
  World world = make_world(GetParam());
};
INSTANTIATE_TEST_SUITE_P(All, Executors, testing::ValuesIn(params()), [](const auto& info) {
  return info.param.executor + std::to_string(info.param.threads);
});

TEST_P(Executors, RunsWhatThreadsOfTheUserSubmit) {
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) world.post([&] { ++ran; }, static_cast<Priority>(i % 3));
    });
  for (auto& thread : threads) thread.join();
  world.wait_all();
  EXPECT_EQ(ran.load(), 6000);
}

TEST_P(Executors, RunsWhatTasksSubmit) {
  std::atomic<int> ran{0};
  struct Tree {
    static void grow(const World& on, int depth, std::atomic<int>& count) {
      ++count;
      if (depth == 0) return;
      for (int i = 0; i < 2; ++i)
        on.post([&on, depth, &count] { grow(on, depth - 1, count); });
    }
  };
  world.post([&] { Tree::grow(world, 11, ran); });
  world.wait_all();
  EXPECT_EQ(ran.load(), (1 << 12) - 1);
}

TEST_P(Executors, RunsInChainsAndLeavesNothingBehind) {
  auto chain = [](World on) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 500; ++i) {
      auto next = on.spawn([i] { return i; });
      const int value = co_await next;
      sum += value;
      if (i % 50 == 0) co_await lamellar::yield();
    }
    co_return sum;
  };
  std::vector<Future<int>> chains;
  for (int i = 0; i < 8; ++i) chains.push_back(world.spawn(chain(world)));
  for (auto& one : chains) EXPECT_EQ(one.block(), 499 * 250);
}

struct WhichThread {
  std::thread::id exec(lamellar::Context&) const { return std::this_thread::get_id(); }
};

TEST_P(Executors, AThreadGetsWhatIsMeantForIt) {
  const std::uint32_t threads = world.num_threads_per_pe();
  std::vector<Future<std::thread::id>> answers;
  for (int i = 0; i < 300; ++i)
    answers.push_back(
        world.exec_am_local_thread(WhichThread{}, static_cast<std::uint32_t>(i) % threads).spawn());
  std::vector<std::thread::id> seen(threads);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::thread::id ran_on = answers[i].block();
    std::thread::id& first = seen[i % threads];
    if (i < threads) first = ran_on;
    EXPECT_EQ(first, ran_on) << "message " << i;
  }
  EXPECT_EQ(seen[0], std::this_thread::get_id());
  for (std::uint32_t i = 1; i < threads; ++i)
    for (std::uint32_t j = 0; j < i; ++j) EXPECT_NE(seen[i], seen[j]) << i << " and " << j;
  EXPECT_THROW((void)world.exec_am_local_thread(WhichThread{}, threads), lamellar::Error);
}

TEST_P(Executors, NoPriorityStarves) {
  // Work of one priority that goes on and on until one of another has run.
  struct Again {
    static void run(const World& on, Priority priority, const std::atomic<bool>& until) {
      if (!until.load()) on.post([&on, priority, &until] { run(on, priority, until); }, priority);
    }
  };
  for (const Priority busy : {Priority::kHigh, Priority::kNormal})
    for (const Priority waits : {Priority::kNormal, Priority::kLow}) {
      std::atomic<bool> ran{false};
      world.post([&] {
        world.post([&] { ran.store(true); }, waits);
        Again::run(world, busy, ran);
      });
      world.wait_all();
      EXPECT_TRUE(ran.load());
    }
}

TEST_P(Executors, TasksMayBlock) {
  std::vector<Future<int>> sums;
  for (int i = 0; i < 10; ++i)
    sums.push_back(world.spawn([this, i] {
      auto inner = world.spawn([i] { return i; });
      return inner.block() + 1;
    }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)].block(), i + 1);
}

TEST_P(Executors, TimersAndLocksAndChannels) {
  lamellar::Mutex mutex;
  lamellar::Channel<int> channel(4);
  int guarded = 0;
  auto producer = [&](int from) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      co_await channel.send(from + i);
      if (i % 10 == 0) co_await lamellar::sleep_for(100us);
    }
  };
  auto consumer = [&]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 50; ++i) {
      const auto value = co_await channel.receive();
      sum += *value;
      auto guard = co_await mutex.lock();
      ++guarded;
    }
    co_return sum;
  };
  std::vector<Future<void>> producers;
  std::vector<Future<int>> consumers;
  for (int i = 0; i < 4; ++i) {
    producers.push_back(world.spawn(producer(1000 * i)));
    consumers.push_back(world.spawn(consumer()));
  }
  int sum = 0;
  for (auto& one : consumers) sum += one.block();
  for (auto& one : producers) one.block();
  EXPECT_EQ(guarded, 200);
  EXPECT_EQ(sum, 4 * 49 * 25 + 50 * 1000 * (0 + 1 + 2 + 3));
}

TEST_P(Executors, WhatIsQueuedAtTheEndRuns) {
  std::atomic<int> ran{0};
  {
    const World other = make_world(GetParam());
    for (int i = 0; i < 100; ++i) static_cast<void>(other.spawn([&] { ++ran; }));
  }
  EXPECT_EQ(ran.load(), 100);
}

TEST(ExecutorNames, UnknownOnesAreRefusedWithThoseThereAre) {
  try {
    lamellar::WorldBuilder().force("EXECUTOR", "fastest").init();
    FAIL() << "it was accepted";
  } catch (const lamellar::ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("stealing"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace executors_test

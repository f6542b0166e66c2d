// Sleeping, yielding, when_all, when_any, time-outs, stop tokens.
#include <gtest/gtest.h>
#include <lamellar/world.hpp>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/core/sanitizers.hpp"
#include "support/virtual_time.hpp"

namespace combine_test {
namespace {

using lamellar::Future;
using lamellar::Task;
using lamellar::World;
using namespace std::chrono_literals;

World world_of(std::uint32_t threads) {
  return lamellar::WorldBuilder().force_num_pes(1).force_threads(threads).init();
}

class Combine : public testing::TestWithParam<std::uint32_t> {
 protected:
  World world = world_of(GetParam());
};

class InVirtualTime : public testing::TestWithParam<std::uint32_t> {
 protected:
  void run(const std::function<void(World&)>& body) {
    lamellar::testing_support::in_virtual_time(GetParam(), body);
  }
};
INSTANTIATE_TEST_SUITE_P(Threads, InVirtualTime, testing::Values(1u, 3u));

INSTANTIATE_TEST_SUITE_P(Threads, Combine, testing::Values(1u, 3u));

Task<int> value_after(int value, std::chrono::nanoseconds delay) {
  co_await lamellar::sleep_for(delay);
  co_return value;
}
Task<int> fails_after(std::string text, std::chrono::nanoseconds delay) {
  co_await lamellar::sleep_for(delay);
  throw std::runtime_error(text);
}

TEST_P(Combine, SleepsAtLeastThatLong) {
  auto task = []() -> Task<std::chrono::nanoseconds> {
    const auto before = lamellar::Clock::now();
    co_await lamellar::sleep_for(3ms);
    const auto between = lamellar::Clock::now();
    co_await lamellar::sleep_until(between + 2ms);
    co_return lamellar::Clock::now() - before;
  };
  EXPECT_GE(world.block_on(task()), 5ms);
}

TEST_P(Combine, AThousandTasksSleepAThousandTimesEach) {
  std::atomic<int> slept{0};
  auto sleeper = [](std::atomic<int>& count, int number) -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      co_await lamellar::sleep_for(std::chrono::nanoseconds(number * 37 + i * 11 % 5000));
      ++count;
    }
  };
  std::vector<Future<void>> all;
  for (int number = 0; number < 1000; ++number)
    all.push_back(world.spawn(sleeper(slept, number)));
  for (auto& one : all) one.block();
  EXPECT_EQ(slept.load(), 1'000'000);
}

TEST_P(Combine, AZeroOrNegativeSleepEnds) {
  auto task = []() -> Task<int> {
    co_await lamellar::sleep_for(0ns);
    co_await lamellar::sleep_for(-5s);
    const lamellar::Clock::time_point long_ago;
    co_await lamellar::sleep_until(long_ago);
    co_return 1;
  };
  EXPECT_EQ(world.block_on(task()), 1);
}

TEST_P(Combine, YieldLetsOthersRun) {
  std::atomic<bool> flag{false};
  auto waits = [&]() -> Task<int> {
    int turns = 0;
    while (!flag.load()) {
      ++turns;
      co_await lamellar::yield();
    }
    co_return turns;
  };
  auto first = world.spawn(waits());
  auto second = world.spawn([&] { flag.store(true); });
  EXPECT_GE(first.block(), 0);
  second.block();
}

TEST_P(Combine, WhenAllOfSeveralTypes) {
  auto task = [this]() -> Task<std::string> {
    auto number = world.spawn([] { return 7; });
    auto nothing = world.spawn([] {});
    auto text = world.spawn([] { return std::string("seven"); });
    auto all = co_await lamellar::when_all(std::move(number), std::move(nothing), std::move(text));
    co_return std::to_string(std::get<0>(all)) + std::get<2>(all);
  };
  EXPECT_EQ(world.block_on(task()), "7seven");
}

TEST_P(Combine, WhenAllOfTasksRunsThemSideBySide) {
  auto task = []() -> Task<int> {
    // Each goes on only when the other has begun.
    std::atomic<int> begun{0};
    auto meet = [&](int value) -> Task<int> {
      ++begun;
      while (begun.load() != 2) co_await lamellar::yield();
      co_return value;
    };
    auto first = meet(1);
    auto second = meet(2);
    auto both = co_await lamellar::when_all(std::move(first), std::move(second));
    co_return std::get<0>(both) + std::get<1>(both);
  };
  EXPECT_EQ(world.block_on(task()), 3);
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(value_after(i, 1ms));
  EXPECT_EQ(world.block_on(lamellar::when_all(std::move(tasks))),
            (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(Combine, WhenAllThrowsTheFirstInTheOrderGiven) {
  auto task = []() -> Task<std::string> {
    auto late = fails_after("first in order", 5ms);
    auto soon = fails_after("first in time", 1ms);
    auto fine = value_after(1, 10ms);
    std::string text;
    try {
      co_await lamellar::when_all(std::move(late), std::move(soon), std::move(fine));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };
  EXPECT_EQ(world.block_on(task()), "first in order");
}

TEST_P(InVirtualTime, SleepersWakeInTheOrderOfTheirTimes) {
  run([&](World& world) {
    std::vector<int> order;
    auto sleeper = [&](int number) -> Task<void> {
      co_await lamellar::sleep_for(std::chrono::milliseconds(20 + 20 * number));
      order.push_back(number);
    };
    std::vector<Future<void>> all;
    for (const int number : {2, 0, 3, 1}) all.push_back(world.spawn(sleeper(number)));
    for (auto& one : all) one.block();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  });
}

TEST_P(InVirtualTime, WhenAnyGivesOneAndLeavesTheOthers) {
  run([&](World& world) {
    auto task = [&]() -> Task<std::string> {
      std::vector<Future<int>> futures;
      futures.push_back(world.spawn(value_after(1, 40ms)));
      futures.push_back(world.spawn(value_after(2, 5ms)));
      futures.push_back(world.spawn(value_after(3, 80ms)));
      const std::size_t first = co_await lamellar::when_any(futures);
      const int value = co_await futures[first];
      std::string text = std::to_string(first) + ":" + std::to_string(value);
      futures.erase(futures.begin() + static_cast<std::ptrdiff_t>(first));
      const std::size_t second = co_await lamellar::when_any(futures);
      const int next = co_await futures[second];
      text += " " + std::to_string(second) + ":" + std::to_string(next);
      const int last = co_await futures[1 - second];
      text += " " + std::to_string(last);
      co_return text;
    };
    EXPECT_EQ(world.block_on(task()), "1:2 0:1 3");
  });
}

TEST_P(InVirtualTime, WhenAnyOfTwoTypesAndOfDoneOnes) {
  run([&](World& world) {
    auto task = [&]() -> Task<std::size_t> {
      auto number = world.spawn(value_after(1, 50ms));
      auto text = world.spawn([] { return std::string("now"); });
      const std::size_t first = co_await lamellar::when_any(number, text);
      const std::size_t again = co_await lamellar::when_any(number, text);
      co_await text;
      co_await number;
      co_return first * 10 + again;
    };
    EXPECT_EQ(world.block_on(task()), 11u);
  });
}

TEST_P(InVirtualTime, TimeoutsEndTheWaitAndNotTheWork) {
  run([&](World& world) {
    auto ended = std::make_shared<std::atomic<bool>>(false);
    auto task = [&, ended]() -> Task<std::string> {
      auto slow = [](std::shared_ptr<std::atomic<bool>> flag) -> Task<int> {
        co_await lamellar::sleep_for(30ms);
        flag->store(true);
        co_return 1;
      };
      std::string text;
      auto started = world.spawn(slow(ended));
      try {
        co_await lamellar::with_timeout(std::move(started), 2ms);
      } catch (const lamellar::TimedOut& error) {
        text = error.what();
      }
      auto quick = world.spawn(value_after(5, 1ms));
      const int value = co_await lamellar::with_timeout(std::move(quick), 10s);
      while (!ended->load()) co_await lamellar::sleep_for(1ms);
      co_return text + " " + std::to_string(value);
    };
    const std::string text = world.block_on(task());
    EXPECT_NE(text.find("did not come in time"), std::string::npos) << text;
    EXPECT_NE(text.find("combine_test.cpp:"), std::string::npos) << text;
    EXPECT_EQ(text.back(), '5');
  });
}

Task<int> sleeps_until_stopped(std::stop_token token) {
  try {
    co_await lamellar::sleep_for(10min, token);
  } catch (const lamellar::Cancelled&) {
    co_return 1;
  }
  co_return 0;
}

TEST_P(Combine, StopTokensEndWaitsPromptly) {
  auto task = [this]() -> Task<int> {
    std::stop_source stop;
    auto first = world.spawn(sleeps_until_stopped(stop.get_token()));
    auto waits_for_work = [this](std::stop_token token) -> Task<int> {
      auto never = world.spawn(sleeps_until_stopped(token));
      try {
        co_await lamellar::with_stop(std::move(never), token);
      } catch (const lamellar::Cancelled&) {
        co_return 10;
      }
      co_return 0;
    };
    auto second = world.spawn(waits_for_work(stop.get_token()));
    co_await lamellar::sleep_for(2ms);
    stop.request_stop();
    const int one = co_await first;
    const int other = co_await second;
    int third = 0;
    try {
      co_await lamellar::sleep_for(10min, stop.get_token());  // stopped already
    } catch (const lamellar::Cancelled&) {
      third = 100;
    }
    co_return one + other + third;
  };
  const int sum = world.block_on(task());
  // The inner one may see the stop first: then its wait ends with the work.
  EXPECT_TRUE(sum == 111 || sum == 101) << sum;
}

TEST_P(Combine, StoppedFromAnotherThread) {
  for (int round = 0; round < 200; ++round) {
    std::stop_source stop;
    auto waiting = world.spawn(sleeps_until_stopped(stop.get_token()));
    std::thread other([&] { stop.request_stop(); });
    EXPECT_EQ(waiting.block(), 1);
    other.join();
  }
}

TEST_P(Combine, PostedCallsAreWaitedForAndCounted) {
  std::atomic<int> ran{0};
  for (int i = 0; i < 10000; ++i) world.post([&] { ++ran; });
  world.wait_all();
  EXPECT_EQ(ran.load(), 10000);
  auto nested = [&] {
    for (int i = 0; i < 100; ++i)
      world.post([&] { world.post([&] { ++ran; }); });
  };
  world.spawn(nested).block();
  world.wait_all();
  EXPECT_EQ(ran.load(), 10100);
}

// The queue of whoever posts without end stays short: what it cannot hold runs at once.
TEST_P(Combine, TenMillionPostsNeedNoMoreMemory) {
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  std::atomic<int> ran{0};
#if defined(LAMELLAR_ADDRESS_SANITIZER) || defined(LAMELLAR_THREAD_SANITIZER)
  constexpr int kPosts = 300'000;
  constexpr long kMostKib = 1024 * 1024;  // they keep what was freed
#else
  constexpr int kPosts = 10'000'000;
  constexpr long kMostKib = 64 * 1024;
#endif
  const auto before = peak_kib();
  world.spawn([&] {
    for (int i = 0; i < kPosts; ++i)
      world.post([&] { ran.fetch_add(1, std::memory_order_relaxed); });
  }).block();
  for (int i = 0; i < 100'000; ++i)
    world.post([&] { ran.fetch_add(1, std::memory_order_relaxed); });
  world.wait_all();
  EXPECT_EQ(ran.load(), kPosts + 100'000);
  EXPECT_LT(peak_kib() - before, kMostKib);
}

TEST_P(Combine, PrioritiesRunAllAndHighOnesFirst) {
  std::atomic<int> ran{0};
  std::vector<int> order;
  if (GetParam() == 1) {
    for (const auto priority :
         {lamellar::Priority::kLow, lamellar::Priority::kNormal, lamellar::Priority::kHigh})
      world.post([&order, priority] { order.push_back(static_cast<int>(priority)); }, priority);
    world.wait_all();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  }
  for (int i = 0; i < 3000; ++i)
    world.post([&] { ++ran; }, static_cast<lamellar::Priority>(i % 3));
  world.wait_all();
  EXPECT_EQ(ran.load(), 3000);
}

TEST(CombineEnds, AWorldThatEndsWakesItsSleepers) {
  std::atomic<int> ended{0};
  {
    const World world = world_of(2);
    for (int i = 0; i < 3; ++i) {
      auto sleeper = [](std::atomic<int>& count) -> Task<void> {
        try {
          co_await lamellar::sleep_for(10min);
        } catch (const lamellar::WorldEnded&) {
          ++count;
        }
      };
      static_cast<void>(world.spawn(sleeper(ended)));
    }
  }
  EXPECT_EQ(ended.load(), 3);
}

}  // namespace
}  // namespace combine_test

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "unit/engine/sched/fixture.hpp"

namespace sched_test {
namespace {

using detail::FutureState;
using detail::StateRef;
using lamellar::Future;
using lamellar::Task;

// A future and the state that completes it: with a reference, or entrusted with it.
template <class R>
std::pair<Future<R>, FutureState<R>*> promise(House& house, bool entrusted = false) {
  auto* const state = detail::slab_new<FutureState<R>>(house.scheduler);
  if (entrusted)
    state->entrust();
  else
    state->retain();
  return {Future<R>(StateRef<FutureState<R>>(state)), state};
}

template <class R>
void complete(FutureState<R>* state, R value) {
  const bool entrusted = state->entrusted();
  state->emplace(std::move(value));
  state->complete();
  if (!entrusted) state->release();
}

void fail(FutureState<int>* state) {
  const bool entrusted = state->entrusted();
  state->fail(std::make_exception_ptr(std::runtime_error("planted")));
  if (!entrusted) state->release();
}

// GetParam(): whether the one that completes is entrusted.
class Futures : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(ByHold, Futures, ::testing::Bool());

TEST_P(Futures, GivesItsValueOnce) {
  House house(0);
  auto [future, state] = promise<int>(house, GetParam());
  EXPECT_TRUE(future.valid());
  EXPECT_FALSE(future.ready());
  complete(state, 5);
  EXPECT_TRUE(future.ready());
  EXPECT_EQ(5, future.block());
  EXPECT_FALSE(future.valid());
}

TEST_P(Futures, GivesItsFailure) {
  House house(0);
  auto [future, state] = promise<int>(house, GetParam());
  fail(state);
  EXPECT_THROW(future.block(), std::runtime_error);
  EXPECT_EQ(0, house.unseen.load());
}

TEST_P(Futures, AFailureNobodySawIsReported) {
  House house(0);
  {
    auto [future, state] = promise<int>(house, GetParam());
    fail(state);
  }
  EXPECT_EQ(1, house.unseen.load());
  {
    auto [future, state] = promise<int>(house, GetParam());
    future = {};
    fail(state);
  }
  EXPECT_EQ(2, house.unseen.load());
}

TEST_P(Futures, DroppingOneThatSucceedsIsSilent) {
  House house(0);
  {
    auto [future, state] = promise<int>(house, GetParam());
    future = {};
    complete(state, 1);
  }
  {
    auto [future, state] = promise<std::unique_ptr<int>>(house, GetParam());
    complete(state, std::make_unique<int>(1));  // freed with the state
  }
  EXPECT_EQ(0, house.unseen.load());
}

// Whoever comes last frees it, once.
TEST_P(Futures, DroppingAndCompletingRace) {
  House house(0);
  const auto counted = std::make_shared<int>(0);
  constexpr int kRounds = 2000;
  std::vector<FutureState<std::shared_ptr<int>>*> states;
  std::vector<Future<std::shared_ptr<int>>> futures;
  for (int i = 0; i < kRounds; ++i) {
    auto [future, state] = promise<std::shared_ptr<int>>(house, GetParam());
    futures.push_back(std::move(future));
    states.push_back(state);
  }
  std::atomic<int> at{0};  // both go through them together
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (at.load() < i) base::yield_thread();
      complete(states[i], counted);
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    at.store(i);
    futures[i] = {};
  }
  other.join();
  EXPECT_EQ(1, counted.use_count());
  EXPECT_EQ(0, house.unseen.load());
}

TEST_P(Futures, BlockingThreadsAreWoken) {
  House house(1);
  for (int i = 0; i < 300; ++i) {
    auto [future, state] = promise<int>(house, GetParam());
    std::thread other([state = state, i] { complete(state, i); });
    EXPECT_EQ(i, future.block());
    other.join();
  }
}

Task<int> twice(Future<int> future) { co_return 2 * co_await future; }

// A coroutine suspends on a worker while another thread completes what it waits for.
TEST_P(Futures, SuspendingAndCompletingRace) {
  House house(2);
  for (int i = 0; i < 500; ++i) {
    auto [future, state] = promise<int>(house, GetParam());
    auto result = detail::start_task(house.scheduler, twice(std::move(future)));
    if (i % 2 == 0) base::yield_thread();
    complete(state, i);
    EXPECT_EQ(2 * i, result.block());
  }
}

TEST_P(Futures, FailingWhileSomebodySuspends) {
  House house(2);
  for (int i = 0; i < 300; ++i) {
    auto [future, state] = promise<int>(house, GetParam());
    auto result = detail::start_task(house.scheduler, twice(std::move(future)));
    fail(state);
    EXPECT_THROW(result.block(), std::runtime_error);
  }
  EXPECT_EQ(0, house.unseen.load());
}

// A coroutine that can be stepped and destroyed by hand.
struct ByHand {
  struct promise_type {
    ByHand get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

ByHand waits(Future<int> future, int& got) { got = co_await future; }

TEST_P(Futures, ASuspendedCoroutineMayBeDestroyed) {
  House house(0);
  int got = 0;
  auto [future, state] = promise<int>(house, GetParam());
  ByHand coroutine = waits(std::move(future), got);
  detail::trampoline(coroutine.handle);
  EXPECT_FALSE(coroutine.handle.done());
  coroutine.handle.destroy();
  complete(state, 3);  // resumes nobody
  EXPECT_FALSE(house.scheduler.work_once());
  EXPECT_EQ(0, got);
}

TEST_P(Futures, ACoroutineAboutToBeResumedMayBeDestroyed) {
  House house(0);
  int got = 0;
  auto [future, state] = promise<int>(house, GetParam());
  ByHand coroutine = waits(std::move(future), got);
  detail::trampoline(coroutine.handle);
  complete(state, 3);  // its resumption is queued
  coroutine.handle.destroy();
  EXPECT_TRUE(house.scheduler.work_once());  // for nothing
  EXPECT_FALSE(house.scheduler.work_once());
  EXPECT_EQ(0, got);
}

TEST_P(Futures, AReadyOneIsAwaitedWithoutSuspending) {
  House house(0);
  int got = 0;
  auto [future, state] = promise<int>(house, GetParam());
  complete(state, 4);
  ByHand coroutine = waits(std::move(future), got);
  detail::trampoline(coroutine.handle);
  EXPECT_TRUE(coroutine.handle.done());
  EXPECT_EQ(4, got);
  coroutine.handle.destroy();
}

Task<std::vector<int>> all_of(std::vector<Future<int>> futures) {
  auto values = co_await lamellar::when_all(std::move(futures));
  co_return values;
}

TEST(WhenAll, GivesTheValuesInOrder) {
  House house(1);
  std::vector<Future<int>> futures;
  std::vector<FutureState<int>*> states;
  for (int i = 0; i < 5; ++i) {
    auto [future, state] = promise<int>(house);
    futures.push_back(std::move(future));
    states.push_back(state);
  }
  auto result = detail::start_task(house.scheduler, all_of(std::move(futures)));
  for (int i = 5; i-- > 0;) complete(states[static_cast<std::size_t>(i)], i);
  EXPECT_EQ((std::vector<int>{0, 1, 2, 3, 4}), result.block());
}

TEST(WhenAll, WaitsForAllBeforeItThrowsTheFirst) {
  House house(0);
  std::vector<Future<int>> futures;
  std::vector<FutureState<int>*> states;
  for (int i = 0; i < 3; ++i) {
    auto [future, state] = promise<int>(house);
    futures.push_back(std::move(future));
    states.push_back(state);
  }
  auto result = detail::start_task(house.scheduler, all_of(std::move(futures)));
  const auto work = [&] {
    while (house.scheduler.work_once()) {
    }
  };
  work();
  states[1]->fail(std::make_exception_ptr(std::runtime_error("second")));
  states[1]->release();
  work();
  states[0]->fail(std::make_exception_ptr(std::out_of_range("first")));
  states[0]->release();
  work();
  EXPECT_FALSE(result.ready());
  complete(states[2], 1);
  EXPECT_THROW(result.block(), std::out_of_range);
  EXPECT_EQ(0, house.unseen.load());
}

TEST(FutureDeathTest, CompletingTwiceIsABrokenInvariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        House house(0);
        FutureState<int> state(house.scheduler);
        state.emplace(1);
        state.complete();
        state.complete();
      },
      "a future was completed twice");
}

}  // namespace
}  // namespace sched_test

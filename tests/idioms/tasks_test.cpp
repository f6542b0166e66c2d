// Tasks: where they live, what they return, what they throw.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <lamellar/sync.hpp>

#include "idioms/idioms.hpp"

namespace idioms::tasks {

// --- 14: a task from anywhere --------------------------------------------------------------

struct HasTask {
  Task<Counted> task;
};
Task<int> from_anywhere() {
  int sum = 0;
  const Counted temporary = co_await counted(1);
  sum += temporary.value();
  Task<Counted> named = counted(2);
  Task<Counted> moved = std::move(named);
  Counted of_named = co_await std::move(moved);
  sum += of_named.value();
  HasTask member{counted(4)};
  of_named = co_await std::move(member.task);
  sum += of_named.value();
  std::vector<Task<Counted>> list;
  list.push_back(counted(8));
  list.push_back(counted(16));  // never awaited
  of_named = co_await std::move(list.front());
  sum += of_named.value();
  auto boxed = std::make_unique<Task<Counted>>(counted(32));
  of_named = co_await std::move(*boxed);
  std::optional<Task<Counted>> maybe(counted(64));
  const Counted last = co_await std::move(*maybe);
  co_return sum + of_named.value() + last.value();
}
TEST_F(ThreeThreads, Idiom14_ATaskFromAnywhere) {
  EXPECT_EQ(world.block_on(from_anywhere()), 1 + 2 + 4 + 8 + 32 + 64);
}

// --- 15: recursion -------------------------------------------------------------------------

Task<int> fib(int n) {
  if (n < 2) co_return n;
  const int one = co_await fib(n - 1);
  const int two = co_await fib(n - 2);
  co_return one + two;
}
Task<bool> odd(int n);
Task<bool> even(int n) {
  if (n == 0) co_return true;
  co_return co_await odd(n - 1);
}
Task<bool> odd(int n) {
  if (n == 0) co_return false;
  co_return co_await even(n - 1);
}
TEST_F(ThreeThreads, Idiom15_Recursion) {
  EXPECT_EQ(world.block_on(fib(15)), 610);
  EXPECT_TRUE(world.block_on(even(100'000)));
}

// --- 16: co_return co_await, and what a result may be --------------------------------------

template <class T>
Task<T> through(Task<T> task) {
  co_return co_await std::move(task);
}
Task<std::unique_ptr<Counted>> only_movable() { co_return std::make_unique<Counted>(5); }
Task<std::array<int, 4096>> large() {
  std::array<int, 4096> all{};
  all.back() = 7;
  co_return all;
}
Task<const char*> converts() { co_return "literal"; }
Task<std::string> converts_again() { co_return co_await converts(); }
Task<void> nothing(int& count) {
  ++count;
  co_return;
}
TEST_F(ThreeThreads, Idiom16_CoReturnCoAwait) {
  EXPECT_EQ(world.block_on(through(through(counted(3)))).value(), 3);
  EXPECT_EQ(world.block_on(through(only_movable()))->value(), 5);
  EXPECT_EQ(world.block_on(through(large())).back(), 7);
  EXPECT_EQ(world.block_on(converts_again()), "literal");
  int count = 0;
  world.block_on(through(through(nothing(count))));
  EXPECT_EQ(count, 1);
}

// --- 17: structured results ----------------------------------------------------------------

Task<std::tuple<Counted, std::string>> two_values() {
  Counted number(3);
  std::string text = kLong;
  co_return std::tuple(std::move(number), std::move(text));
}
Task<int> binds() {
  auto both = co_await two_values();
  auto& [number, text] = both;
  auto [other, again] = co_await two_values();
  co_await lamellar::yield();
  co_return number.value() + other.value() + (text == again ? 100 : 0);
}
TEST_F(ThreeThreads, Idiom17_StructuredResults) { EXPECT_EQ(world.block_on(binds()), 106); }

Hand binds_and_waits(lamellar::Latch& latch, int& seen) {
  auto [number, text] = co_await two_values();
  auto both = co_await two_values();
  auto& [other, again] = both;
  seen = number.value() + other.value();
  co_await latch.wait();
}
TEST_F(OneThread, Idiom18_StructuredResultsOfADestroyedFrame) {
  lamellar::Latch latch(1);
  int seen = 0;
  Hand hand = binds_and_waits(latch, seen);
  start(hand, world);
  EXPECT_EQ(seen, 6);
  EXPECT_EQ(Counted::live(), 2);
  hand.destroy();
  EXPECT_EQ(Counted::live(), 0);
}

// --- 19: lambda coroutines -----------------------------------------------------------------

TEST_F(ThreeThreads, Idiom19_LambdasWithParametersByValue) {
  auto adds = [](Counted one, std::string text, int plus) -> Task<int> {
    co_await lamellar::yield();
    co_return one.value() + static_cast<int>(text.size()) + plus;
  };
  const int size = static_cast<int>(std::string(kLong).size());
  EXPECT_EQ(world.block_on(adds(Counted(1), kLong, 2)), size + 3);
  Future<int> spawned = world.spawn(adds(Counted(1), kLong, 2));
  EXPECT_EQ(spawned.block(), size + 3);
  // At once, without a name: nothing is captured, so nothing dangles.
  auto at_once = [](Counted one) -> Task<int> { co_return one.value(); }(Counted(4));
  EXPECT_EQ(world.block_on(std::move(at_once)), 4);
}

TEST_F(ThreeThreads, Idiom20_ALambdaWithCapturesThatOutlivesItsTasks) {
  const Counted kept(7);
  const auto reads = [kept](int plus) -> Task<int> {
    co_await lamellar::yield();
    co_return kept.value() + plus;
  };
  std::vector<Future<int>> all;
  for (int i = 0; i < 10; ++i) all.push_back(world.spawn(reads(i)));
  int sum = 0;
  for (auto& one : all) sum += one.block();
  EXPECT_EQ(sum, 70 + 45);
}

// --- 21: a million awaits ------------------------------------------------------------------

Task<int> one() { co_return 1; }
Task<int> many_tasks(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}
TEST_F(ThreeThreads, Idiom21_AMillionAwaitsInALoop) {
  EXPECT_EQ(world.block_on(many_tasks(1'000'000)), 1'000'000);
}

// --- 22: exceptions ------------------------------------------------------------------------

Task<int> through_locals(int depth) {
  const Counted local(depth);
  if (depth == 0) co_return co_await fails("deep");
  const int value = co_await through_locals(depth - 1);
  co_return value + local.value();
}
Task<std::string> caught_text() {
  std::string text;
  try {
    const Counted local(1);
    const int value = co_await through_locals(50);
    text = std::to_string(value);
  } catch (const Failure& failure) {
    text = failure.what();
  }
  co_await lamellar::yield();
  co_return text;
}
TEST_F(ThreeThreads, Idiom22_ExceptionsThroughTasks) {
  EXPECT_EQ(world.block_on(caught_text()), "deep");
  EXPECT_THROW(world.block_on(through_locals(3)), Failure);
  EXPECT_THROW(world.spawn(through_locals(3)).block(), Failure);
}

// co_await in a handler is not C++ (must_not_compile/task_await_in_catch.cpp): remember, leave the
// handler, await then.
Task<int> awaits_after_catch() {
  std::exception_ptr failed;
  try {
    co_await fails("first");
  } catch (...) {
    failed = std::current_exception();
  }
  int value = 0;
  if (failed) {
    const Counted instead = co_await counted(9);
    value = instead.value();
  }
  try {
    if (failed) std::rethrow_exception(failed);
  } catch (const Failure&) {
    value += 10;
  }
  co_return value;
}
TEST_F(ThreeThreads, Idiom23_AwaitingAfterACatch) {
  EXPECT_EQ(world.block_on(awaits_after_catch()), 19);
}

Task<int> fails_at_first(int& calls) {
  const Counted local(1);
  if (++calls < 4) throw Failure();
  co_return calls;
}
Task<int> tries_again() {
  int calls = 0;
  for (;;) {
    bool again = false;
    try {
      co_return co_await fails_at_first(calls);
    } catch (const Failure&) {
      again = true;
    }
    if (again) co_await lamellar::yield();
  }
}
TEST_F(ThreeThreads, Idiom24_TryingAgainInALoop) { EXPECT_EQ(world.block_on(tries_again()), 4); }

struct ThrowsWhenCopied {
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied&) { throw Failure("copy"); }
  Counted counted{1};
};
Task<void> takes_it(Counted, ThrowsWhenCopied) { co_return; }
Task<ThrowsWhenCopied> returns_it() {
  const ThrowsWhenCopied it;
  co_return it;
}
Task<int> parameters_and_results() {
  int failures = 0;
  const ThrowsWhenCopied it;
  try {
    const Counted other(2);
    co_await takes_it(other, it);
  } catch (const Failure&) {
    ++failures;
  }
  try {
    co_await returns_it();
  } catch (const Failure&) {
    ++failures;
  }
  co_return failures;
}
TEST_F(ThreeThreads, Idiom25_ExceptionsOfParametersAndResults) {
  EXPECT_EQ(world.block_on(parameters_and_results()), 2);
}

// --- 91: where a result may go at once (where it must not: traps_test.cpp) -----------------

struct Built {
  Built(Counted its, int plus) : counted(std::move(its)), more(plus) {}
  Counted counted;
  int more;
};
int by_value(Counted one, Counted two) { return one.value() + two.value(); }
int by_reference(const Counted& one) { return one.value(); }
Task<std::vector<Counted>> two_in_a_list() {
  std::vector<Counted> list;
  list.emplace_back(1);
  list.emplace_back(2);
  co_return list;
}
Task<Task<Counted>> later() { co_return counted(3); }
Task<int> used_at_once() {
  int sum = (co_await counted(1)).value() + (co_await counted(2)).value();
  sum += by_value(co_await counted(1), co_await counted(2));
  sum += by_reference(co_await counted(1));
  const Built built(co_await counted(1), 1);
  sum += built.counted.value() + built.more;
  const auto owned = std::make_unique<Counted>(co_await counted(1));
  const std::optional<Counted> maybe(co_await counted(1));
  const std::tuple<Counted, int> pair(co_await counted(1), 1);
  sum += owned->value() + maybe->value() + std::get<0>(pair).value();
  std::vector<Counted> list;
  list.push_back(co_await counted(1));
  list.emplace_back(co_await counted(2));
  list[0] = co_await counted(2);
  sum += list[0].value() + list[1].value();
  const Counted twice = co_await co_await later();
  co_return sum + twice.value();
}
TEST_F(ThreeThreads, Idiom91_ResultsUsedAtOnce) {
  EXPECT_EQ(world.block_on(used_at_once()), 3 + 3 + 1 + 2 + 3 + 4 + 3);
}
Task<int> kept_alive() {
  const Counted& constant = co_await counted(1);
  auto&& any = co_await counted(2);
  int sum = 0;
  for (const Counted& one : co_await two_in_a_list()) {
    co_await lamellar::yield();
    sum += one.value();
  }
  for (Counted at = co_await counted(0); at.value() < 3; at = co_await counted(at.value() + 1))
    ++sum;
  co_return sum + constant.value() + any.value();
}
TEST_F(ThreeThreads, Idiom92_ResultsKeptByReferencesAndLoops) {
  EXPECT_EQ(world.block_on(kept_alive()), 3 + 3 + 1 + 2);
}

}  // namespace idioms::tasks

// Compiled without optimisation (tests/CMakeLists.txt): that is where awaiting would eat the stack.
#include <gtest/gtest.h>

#include "unit/engine/sched/fixture.hpp"

namespace trampoline_test {
namespace {

using lamellar::Task;
using sched_test::House;

constexpr int kDeep = 1'000'000;

Task<int> one() { co_return 1; }

// A loop of awaits: each returns into the loop before the next.
Task<int> in_a_row(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}

// A chain of awaits: the innermost ends first, then all the others.
Task<int> nested(int depth) {
  if (depth == 0) co_return 0;
  const int inner = co_await nested(depth - 1);
  co_return inner + 1;
}

TEST(Trampoline, AMillionAwaitsInARow) {
  House house(0);
  auto result = lamellar::detail::start_task(house.scheduler, in_a_row(kDeep));
  EXPECT_EQ(kDeep, result.block());
}

TEST(Trampoline, AMillionAwaitsInsideOneAnother) {
  House house(0);
  auto result = lamellar::detail::start_task(house.scheduler, nested(kDeep));
  EXPECT_EQ(kDeep, result.block());
}

Task<int> throws_below(int depth) {
  if (depth == 0) throw std::runtime_error("from below");
  co_return co_await throws_below(depth - 1);
}

TEST(Trampoline, AnExceptionComesUpFromDeepBelow) {
  House house(0);
  auto result = lamellar::detail::start_task(house.scheduler, throws_below(2000));
  EXPECT_THROW(result.block(), std::runtime_error);
}

// A task that is started inside another's resume runs on a trampoline of its own.
TEST(Trampoline, Nests) {
  House house(0);
  std::string order;
  const auto writes = [&order](char letter) -> Task<int> {
    order += letter;
    const int value = co_await one();
    order += letter;
    co_return value;
  };
  const auto outer = [&]() -> Task<int> {
    order += '(';
    using State = lamellar::detail::FutureState<int>;
    const lamellar::detail::StateRef<State> state(
        lamellar::detail::slab_new<State>(house.scheduler));
    state->entrust();
    auto inner = lamellar::detail::drive(writes('i'), state.get(), false);
    lamellar::detail::trampoline(inner.handle);
    order += ')';
    co_return co_await writes('o');
  };
  auto result = lamellar::detail::start_task(house.scheduler, outer());
  EXPECT_EQ(1, result.block());
  EXPECT_EQ("(ii)oo", order);
}

}  // namespace
}  // namespace trampoline_test

// Correct programs that g++ 12 makes wrong ones of (docs/guides/gcc12-and-co_await.md). With it
// they are built by `matrix` only, for the table; other compilers have to run them right.
#include "idioms/idioms.hpp"

#if defined(__clang__) || !defined(__GNUC__) || defined(IDIOMS_SHOW_TRAPS)

#include <memory>
#include <string>

#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

namespace idioms::traps {

struct Pair {
  Counted first;
  std::string second;
};
struct Hello {
  std::string text;
  int from = 0;
  int exec(lamellar::Context&) const { return static_cast<int>(text.size()) + from; }
};
LAMELLAR_AM(Hello, text, from);

Task<int> says(World world) {
  co_return co_await world.exec_am_pe(0, Hello{kLong, 1});
}
TEST_F(ThreeThreads, Trap93_AnAggregateTemporaryAsMessage) {
  EXPECT_EQ(world.block_on(says(world)), static_cast<int>(std::string(kLong).size()) + 1);
}

Task<int> sends() {
  lamellar::Channel<Pair> channel(1);
  co_await channel.send(Pair{Counted(1), kLong});
  const auto pair = co_await channel.receive();
  co_return pair->first.value();
}
TEST_F(ThreeThreads, Trap94_AnAggregateTemporaryIntoAChannel) {
  EXPECT_EQ(world.block_on(sends()), 1);
}

Task<int> spawns(World world) {
  const Counted kept(5);
  co_return co_await world.spawn([kept] { return kept.value(); });
}
TEST_F(ThreeThreads, Trap95_ACapturingLambdaSpawned) {
  EXPECT_EQ(world.block_on(spawns(world)), 5);
}

Task<int> runs_at_once() {
  const Counted kept(6);
  co_return co_await [kept]() -> Task<int> { co_return kept.value(); }();
}
TEST_F(ThreeThreads, Trap96_ACapturingCoroutineLambda) {
  EXPECT_EQ(world.block_on(runs_at_once()), 6);
}

Task<bool> yes() { co_return true; }
Task<int> asks_in_a_condition() {
  if (co_await yes()) co_return 1;
  co_return 0;
}
TEST_F(ThreeThreads, Trap97_AnAwaitInAConditionWithoutVariables) {
  EXPECT_EQ(world.block_on(asks_in_a_condition()), 1);
}

// A result of class type that is made in its place there, and not in a variable or a parameter.
Task<int> in_braces() {
  Pair pair{co_await counted(1), kLong};
  co_return pair.first.value();
}
TEST_F(ThreeThreads, Trap98_AResultInTheBracesOfAnAggregate) {
  EXPECT_EQ(world.block_on(in_braces()), 1);
}
struct HasGuard {
  lamellar::Mutex::Guard guard;
};
Task<bool> guard_in_braces(lamellar::Mutex& mutex) {
  const HasGuard has{co_await mutex.lock()};
  co_return mutex.try_lock().owns();
}
TEST_F(ThreeThreads, Trap99_AGuardInTheBracesOfAnAggregate) {
  lamellar::Mutex mutex;
  EXPECT_FALSE(world.block_on(guard_in_braces(mutex)));
}
Task<int> in_an_array() {
  Counted both[2] = {co_await counted(1), co_await counted(2)};
  co_return both[0].value() + both[1].value();
}
TEST_F(ThreeThreads, Trap100_ResultsInAnArray) { EXPECT_EQ(world.block_on(in_an_array()), 3); }
Task<int> either(bool first) {
  const Counted one = first ? co_await counted(1) : co_await counted(2);
  co_return one.value();
}
TEST_F(ThreeThreads, Trap101_AResultOfAConditionalExpression) {
  EXPECT_EQ(world.block_on(either(true)), 1);
}
Task<int> captured() {
  const auto reads = [kept = co_await counted(1)] { return kept.value(); };
  co_return reads();
}
TEST_F(ThreeThreads, Trap102_AResultCapturedByALambda) { EXPECT_EQ(world.block_on(captured()), 1); }
Task<int> made_by_new() {
  const std::unique_ptr<Counted> owned(new Counted(co_await counted(1)));
  co_return owned->value();
}
TEST_F(ThreeThreads, Trap103_AResultGivenToNew) { EXPECT_EQ(world.block_on(made_by_new()), 1); }
Task<int> thrown() {
  try {
    throw co_await counted(1);
  } catch (const Counted& caught) {
    co_return caught.value();
  }
}
TEST_F(ThreeThreads, Trap104_AResultThrown) { EXPECT_EQ(world.block_on(thrown()), 1); }

}  // namespace idioms::traps

#endif

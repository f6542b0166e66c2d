// Tasks and futures: the idioms of docs/decisions/0002, on the real thing.
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

const std::string kLong = "a string that is longer than the small buffer of std::string";

struct Length {
  std::string text;
  std::uint64_t plus;
  std::uint64_t exec(Context&) const { return text.size() + plus; }
};
LAMELLAR_AM(Length, text, plus);

struct Pod {
  int a, b;
  int exec(Context&) const { return a + b; }
};
LAMELLAR_AM(Pod, a, b);

struct Built {
  Built() = default;
  Built(std::string t, std::uint64_t p) : text(std::move(t)), plus(p) {}
  std::string text;
  std::uint64_t plus = 0;
  std::uint64_t exec(Context&) const { return text.size() + plus; }
};
LAMELLAR_AM(Built, text, plus);

struct Fails {
  std::string text;
  int exec(Context&) const { throw std::runtime_error(text); }
};
LAMELLAR_AM(Fails, text);

Length make_length() { return {kLong, 3}; }

Task<int> answer(int value) { co_return value; }
Task<std::string> answer_text(std::string text) { co_return text; }

// --- 1 to 4: building the message ----------------------------------------------------------

Task<std::uint64_t> all_forms(World world, Pe to, Built parameter) {
  std::uint64_t sum = 0;
  sum += co_await world.exec_am_pe<Length>(to, kLong, 3u);
  sum += co_await world.exec_am_pe<Length>(to, std::string(kLong), 3u);
  sum += co_await world.exec_am_pe(to, make_length());
  sum += co_await world.exec_am_pe(to, Built(kLong, 3));
  sum += co_await world.exec_am_pe(to, parameter);
  sum += co_await world.exec_am_pe(to, std::move(parameter));
  Length named{kLong, 3};
  sum += co_await world.exec_am_pe(to, named);
  for (int i = 0; i < 3; ++i) {
    Length in_loop = named;
    sum += co_await world.exec_am_pe(to, std::move(in_loop));
  }
  sum += co_await world.exec_am_pe(to, std::move(named));
  auto handle = world.exec_am_pe<Length>(to, kLong, 3u);
  sum += co_await std::move(handle);
  Future<std::uint64_t> future = world.exec_am_pe<Length>(to, kLong, 3u).spawn();
  sum += co_await future;
  Future<std::uint64_t> moved = world.exec_am_pe<Length>(to, kLong, 3u).spawn();
  sum += co_await std::move(moved);
  co_return sum;
}

LAMELLAR_MULTI_TEST(Tasks, EveryFormOfAwaitingAMessage, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    EXPECT_EQ(world.block_on(all_forms(world, pe, Built(kLong, 3))), 14 * (kLong.size() + 3));
}

Task<int> pods(World world, Pe to) {
  Pod named{1, 2};
  int sum = co_await world.exec_am_pe(to, named);
  sum += co_await world.exec_am_pe<Pod>(to, 3, 4);
  co_return sum;
}
LAMELLAR_MULTI_TEST(Tasks, TrivialMessages, 1) {
  EXPECT_EQ(world.block_on(pods(world, next_pe(world))), 10);
}

// --- 6: where co_await stands --------------------------------------------------------------

Task<int> in_expressions(World world, Pe to) {
  const int found = (co_await world.exec_am_pe<Pod>(to, 1, 0)) ? 1 : 0;
  int rounds = 0;
  for (;;) {
    const int left = co_await world.exec_am_pe<Pod>(to, rounds, -3);
    if (left == 0) break;
    ++rounds;
  }
  const int sum = (co_await world.exec_am_pe<Pod>(to, 1, 1)) +
                  (co_await world.exec_am_pe<Pod>(to, 2, 2));
  const int nested =
      co_await world.exec_am_pe<Pod>(to, co_await world.exec_am_pe<Pod>(to, 1, 2), 3);
  const int either = found ? co_await answer(5) : co_await answer(6);
  co_return found * 10000 + rounds * 1000 + sum * 100 + nested * 10 + either;
}
LAMELLAR_MULTI_TEST(Tasks, AwaitsInsideExpressions, 1) {
  EXPECT_EQ(world.block_on(in_expressions(world, next_pe(world))), 10000 + 3000 + 600 + 60 + 5);
}

// --- 7: a flat stack -----------------------------------------------------------------------

Task<std::uint64_t> sum_of_answers(int count) {
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) sum += static_cast<std::uint64_t>(co_await answer(i & 7));
  co_return sum;
}
LAMELLAR_MULTI_TEST(Tasks, AMillionAwaitsOnAFlatStack, 1) {
  const int count = kSlow ? 100000 : 1000000;
  EXPECT_EQ(world.block_on(sum_of_answers(count)), std::uint64_t(count) / 8 * 28);
}

Task<std::uint64_t> sum_of_ready_futures(World world, int count) {
  std::uint64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    Future<int> future = world.spawn(answer(1));
    sum += static_cast<std::uint64_t>(co_await future);
  }
  co_return sum;
}
LAMELLAR_MULTI_TEST(Tasks, ManySpawnsAwaitedOneByOne, 1) {
  const int count = kSlow ? 3000 : 30000;
  EXPECT_EQ(world.block_on(sum_of_ready_futures(world, count)), std::uint64_t(count));
}

Task<int> deep(int left) {
  if (left == 0) co_return 0;
  const int rest = co_await deep(left - 1);
  co_return rest + 1;
}
LAMELLAR_MULTI_TEST(Tasks, DeepChainsUnwindOnAFlatStack, 1) {
  EXPECT_EQ(world.block_on(deep(100000)), 100000);
}

// --- 8: when_all ---------------------------------------------------------------------------

Task<std::uint64_t> many_at_once(World world) {
  std::vector<Future<std::uint64_t>> futures;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Pe to = static_cast<Pe>(i) % world.num_pes();
    futures.push_back(world.exec_am_pe<Length>(to, kLong, i).spawn());
  }
  const std::vector<std::uint64_t> values = co_await when_all(std::move(futures));
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(values[i], kLong.size() + i);
  std::vector<Future<void>> nothing;
  co_await when_all(std::move(nothing));
  std::vector<Future<std::string>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(world.spawn(answer_text(std::to_string(i))));
  const std::vector<std::string> texts = co_await when_all(std::move(tasks));
  std::string all;
  for (const std::string& text : texts) all += text;
  EXPECT_EQ(all, "0123456789");
  co_return values.size();
}
LAMELLAR_MULTI_TEST(Tasks, WhenAll, 1) { EXPECT_EQ(world.block_on(many_at_once(world)), 100u); }

Task<int> counts_down(Gate& gate, std::atomic<int>& ended) {
  co_await gate.future();
  ended += 1;
  co_return 1;
}
Task<void> one_fails_at_once(World world, Gate& gate, std::atomic<int>& ended) {
  std::vector<Future<int>> futures;
  futures.push_back(world.exec_am_pe<Fails>(next_pe(world), "first").spawn());
  futures.push_back(world.spawn(counts_down(gate, ended)));
  co_await when_all(std::move(futures));
}
LAMELLAR_MULTI_TEST(Tasks, WhenAllLeavesNothingBehind, 1) {
  Gate gate(world);
  std::atomic<int> ended{0};
  Future<void> all = world.spawn(one_fails_at_once(world, gate, ended));
  EXPECT_THROW(world.exec_am_pe<Fails>(next_pe(world), "x").block(), RemoteError);
  EXPECT_FALSE(all.ready());
  gate.open();
  EXPECT_THROW(all.block(), RemoteError);
  EXPECT_EQ(ended.load(), 1);
}

// --- 9: exceptions -------------------------------------------------------------------------

struct Tag : std::runtime_error {
  using std::runtime_error::runtime_error;
};
Task<int> level3(World world, bool remote) {
  const std::string on_the_way_out = kLong;
  if (remote) {
    const int value = co_await world.exec_am_pe<Fails>(next_pe(world), kLong);
    co_return value;
  }
  throw Tag(kLong);
}
Task<std::string> level2(World world, bool remote) {
  const std::string local = kLong;
  const int value = co_await level3(world, remote);
  co_return local + std::to_string(value);
}
Task<void> level1(World world, bool remote) {
  const auto owned = std::make_unique<std::string>(kLong);
  co_await level2(world, remote);
}
Task<int> catches(World world) {
  int caught = 0;
  try {
    co_await level1(world, false);
  } catch (const Tag& tag) {
    caught += tag.what() == kLong;
  }
  try {
    co_await level1(world, true);
  } catch (const RemoteError& error) {
    caught += error.remote_what() == kLong;
  }
  try {
    try {
      co_await level1(world, false);
    } catch (const Tag&) {
      throw;
    }
  } catch (const std::exception&) {
    ++caught;
  }
  co_return caught;
}
LAMELLAR_MULTI_TEST(Tasks, ExceptionsThroughThreeTasks, 1) {
  EXPECT_EQ(world.block_on(catches(world)), 3);
  EXPECT_THROW(world.block_on(level1(world, false)), Tag);
  EXPECT_THROW(world.block_on(level1(world, true)), RemoteError);
  EXPECT_THROW(world.spawn([] { throw Tag("callable"); }).block(), Tag);
  EXPECT_EQ(world.spawn([] { return std::make_unique<int>(5); }).block().operator*(), 5);
}

// --- 10: destroying ------------------------------------------------------------------------

Task<int> holds(std::shared_ptr<int> owned) { co_return *owned; }
LAMELLAR_MULTI_TEST(Tasks, DestroyingATaskThatNeverStarted, 1) {
  const auto owned = std::make_shared<int>(7);
  {
    const Task<int> task = holds(owned);
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
  Task<int> first = holds(owned);
  Task<int> second = std::move(first);
  EXPECT_EQ(world.block_on(std::move(second)), 7);
  // The promise ends a moment after the value is there.
  while (owned.use_count() != 1) std::this_thread::yield();
}

Task<int> holds_and_waits(std::shared_ptr<int> owned, Gate& gate, std::atomic<int>& got) {
  co_await gate.future();
  got += 1;
  co_return *owned;
}
Task<int> awaits_inner(std::shared_ptr<int> owned, Gate& gate, std::atomic<int>& got) {
  const int inner = co_await holds_and_waits(owned, gate, got);
  co_return inner + *owned;
}
// A coroutine that is destroyed by hand, with the task it awaits.
struct ByHand {
  struct promise_type {
    ByHand get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
ByHand drive_by_hand(Task<int> task) {
  const int value = co_await std::move(task);
  static_cast<void>(value);
}
LAMELLAR_MULTI_TEST(Tasks, DestroyingASuspendedTask, 1) {
  const auto owned = std::make_shared<int>(7);
  std::atomic<int> got{0};
  for (int i = 0; i < 100; ++i) {
    Gate gate(world);
    const ByHand coroutine = drive_by_hand(awaits_inner(owned, gate, got));
    EXPECT_EQ(owned.use_count(), 2);
    lamellar::detail::trampoline(coroutine.handle);
    EXPECT_FALSE(coroutine.handle.done());
    EXPECT_EQ(owned.use_count(), 3);
    coroutine.handle.destroy();
    EXPECT_EQ(owned.use_count(), 1);
    gate.open();  // nobody is there any more
  }
  EXPECT_EQ(got.load(), 0);
}

// --- 11, 12: closures, awaitables ----------------------------------------------------------

LAMELLAR_MULTI_TEST(Tasks, ClosuresWithoutCaptures, 1) {
  auto task = [](World inside, std::string text, Pe to) -> Task<std::uint64_t> {
    const std::uint64_t length = co_await inside.exec_am_pe<Length>(to, text, 1u);
    co_return length + text.size();
  };
  EXPECT_EQ(world.block_on(task(world, kLong, next_pe(world))), 2 * kLong.size() + 1);
}

struct HasFuture {
  Future<std::uint64_t> future;
};
Task<std::uint64_t> awaits_member(World world) {
  HasFuture has{world.exec_am_pe<Length>(next_pe(world), kLong, 0u).spawn()};
  const std::uint64_t length = co_await has.future;
  co_return length;
}
LAMELLAR_MULTI_TEST(Tasks, AwaitingAMember, 1) {
  EXPECT_EQ(world.block_on(awaits_member(world)), kLong.size());
}

// --- 13: coroutines move between threads ---------------------------------------------------

Task<std::uint64_t> moves_about(World world, std::uint64_t seed) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Pe to = static_cast<Pe>(seed + i) % world.num_pes();
    world.exec_am_pe<Pod>(to, 1, 1).detach();
    sum += co_await world.exec_am_pe<Length>(to, kLong, i);
    world.exec_am_pe<Pod>(to, 1, 1).detach();
  }
  co_return sum;
}
LAMELLAR_MULTI_TEST(Tasks, ManyTasksThatChangeThreads, 1) {
  std::vector<Future<std::uint64_t>> tasks;
  for (std::uint64_t i = 0; i < 50; ++i) tasks.push_back(world.spawn(moves_about(world, i)));
  for (auto& task : tasks) EXPECT_EQ(task.block(), 200 * kLong.size() + 199 * 100);
  world.wait_all();
}

// --- futures -------------------------------------------------------------------------------

LAMELLAR_MULTI_TEST(Tasks, FuturesBecomeReady, 1) {
  Gate gate(world);
  Future<void> future = gate.future();
  EXPECT_FALSE(future.ready());
  gate.open();
  EXPECT_TRUE(future.ready());
  future.block();
  Future<std::uint64_t> asked = world.exec_am_pe<Length>(next_pe(world), kLong, 0u).spawn();
  world.wait_all();
  EXPECT_TRUE(asked.ready());
  EXPECT_EQ(asked.block(), kLong.size());
}

LAMELLAR_MULTI_TEST(Tasks, WorldsFromSeveralThreads, 1) {
  // Threads of the user's own send and wait too.
  std::atomic<std::uint64_t> sum{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < 50; ++i) {
          sum += world.exec_am_pe<Length>(static_cast<Pe>(i + t) % world.num_pes(), kLong, i)
                     .block();
          world.exec_am_pe<Pod>(next_pe(world), 1, 1).detach();
        }
      });
  }
  EXPECT_EQ(sum.load(), 3 * (50 * kLong.size() + 49 * 25));
  world.wait_all();
}

// --- PeLocal -------------------------------------------------------------------------------

struct Table {
  explicit Table(int start, std::string with) : value(start), name(std::move(with)) {}
  std::atomic<int> value;
  const std::string name;
};
struct AddTo {
  PeLocal<Table> table;
  std::vector<PeLocal<Counter>> counters;
  std::string exec(Context& context) const {
    table.local(context).value += 1;
    EXPECT_EQ(&table.local(), &table.local(context));
    EXPECT_EQ(&table.local(), &table.local(context.world()));
    for (const auto& counter : counters) counter.local().value += 1;
    return table.local().name;
  }
};
LAMELLAR_AM(AddTo, table, counters);

LAMELLAR_MULTI_TEST(PeLocals, EachPeHasItsOwn, 1) {
  const int me = static_cast<int>(world.my_pe());
  PeLocal<Table> table(world, me * 100, "table of " + std::to_string(me));
  std::vector<PeLocal<Counter>> counters;
  for (int i = 0; i < 3; ++i) counters.emplace_back(world);
  const auto names = world.exec_am_all<AddTo>(table, counters).block();
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    EXPECT_EQ(names[pe], "table of " + std::to_string(pe));
  world.barrier();
  EXPECT_EQ(table.local().value.load(), me * 100 + static_cast<int>(world.num_pes()));
  EXPECT_EQ(table.local(world).name, "table of " + std::to_string(me));
  for (const auto& counter : counters) EXPECT_EQ(counter.local().value, world.num_pes());
  world.spawn([table, me] { EXPECT_GE(table.local().value.load(), me * 100); }).block();
}

}  // namespace
}  // namespace multi

// Task groups: each waits for its own, whatever else is under way.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lamellar/task_group.hpp>

#include "door.hpp"
#include "helpers.hpp"

namespace multi {
namespace {

using lamellar::TaskGroup;

struct Add {
  PeLocal<Counter> counter;
  std::uint64_t by;
  void exec(Context& context) const { counter.local(context).value += by; }
};
LAMELLAR_AM(Add, counter, by);

struct AddText {
  PeLocal<Counter> counter;
  std::string text;
  std::uint64_t exec(Context& context) const {
    counter.local(context).value += text.size();
    return text.size();
  }
};
LAMELLAR_AM(AddText, counter, text);

struct AddLater {
  PeLocal<Counter> counter;
  std::string text;
  Task<std::uint64_t> exec(Context& context) const {
    co_await lamellar::yield();
    const World world = context.world();
    co_await world.exec_am_pe<Add>(next_pe(context), counter, 0u);
    counter.local(context).value += text.size();
    co_return text.size();
  }
};
LAMELLAR_AM(AddLater, counter, text);

struct Value {
  PeLocal<Counter> counter;
  std::uint64_t exec(Context& context) const { return counter.local(context).value; }
};
LAMELLAR_AM(Value, counter);

struct Fails {
  int exec(Context&) const { throw std::runtime_error("no"); }
};
LAMELLAR_AM(Fails);

std::uint64_t everywhere(const World& world, PeLocal<Counter> counter) {
  std::uint64_t sum = 0;
  for (Pe pe = 0; pe < world.num_pes(); ++pe) sum += world.exec_am_pe<Value>(pe, counter).block();
  return sum;
}

// A counter of its own for every PE that asks.
struct OfEach {
  explicit OfEach(const World& world) {
    for (Pe pe = 0; pe < world.num_pes(); ++pe) all.emplace_back(world);
  }
  std::vector<PeLocal<Counter>> all;
};

LAMELLAR_MULTI_TEST(Groups, WaitForAllKindsOfTheirOwn, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  const TaskGroup group = world.task_group();
  group.wait_all();  // nothing was launched
  std::uint64_t expected = 0;
  for (int round = 0; round < (kSlow ? 2 : 8); ++round) {
    for (Pe pe = 0; pe < world.num_pes(); ++pe) {
      for (std::uint64_t i = 0; i < 30; ++i) group.exec_am_pe<Add>(pe, counter, i).detach();
      group.exec_am_pe(pe, AddText{counter, "123"}).detach();
      group.exec_am_pe<AddLater>(pe, counter, "12").detach();
      { auto dropped = group.spawn_am_pe<AddLater>(pe, counter, "12345"); }
      { auto dropped = group.exec_am_pe<AddText>(pe, counter, "1").spawn(); }
      expected += 30 * 29 / 2 + 3 + 2 + 5 + 1;
    }
    group.exec_am_all<Add>(counter, 1u).detach();
    group.exec_am_all<AddLater>(counter, "1234").detach();
    { auto dropped = group.exec_am_all<AddText>(counter, "12").spawn(); }
    expected += world.num_pes() * (1 + 4 + 2);
    group.exec_am_local(Add{counter, 7}).detach();
    group.post([counter, &world] { counter.local(world).value += 9; });
    expected += 16;
    if (round % 2 == 0)
      group.wait_all();
    else
      group.async_wait_all().block();
    EXPECT_EQ(expected, everywhere(world, counter));
  }
  world.barrier();
}

LAMELLAR_MULTI_TEST(Groups, LargeBodies, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  const TaskGroup group = world.task_group();
  const std::string text = text_of(3 * frame_bytes() + 17, 1);
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    group.exec_am_pe<AddText>(pe, counter, text).detach();
    group.exec_am_pe<AddLater>(pe, counter, text).detach();
  }
  group.exec_am_all<AddText>(counter, text).detach();
  group.exec_am_all<AddLater>(counter, text).detach();
  group.wait_all();
  EXPECT_EQ(4 * world.num_pes() * text.size(), everywhere(world, counter));
  world.barrier();
}

LAMELLAR_MULTI_TEST(Groups, DoNotWaitForOthers, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  const PeLocal<Door> door(world);
  const TaskGroup held = world.task_group();
  const TaskGroup free = world.task_group();
  held.exec_am_pe<Pass>(next_pe(world), door).detach();
  held.exec_am_all<Pass>(door).detach();
  auto answer = held.exec_am_pe<Pass>(next_pe(world), door).spawn();
  for (std::uint64_t i = 0; i < 10; ++i) free.exec_am_all<Add>(counter, 1u).detach();
  free.wait_all();
  EXPECT_EQ(10 * world.num_pes(), everywhere(world, counter));
  auto done = held.async_wait_all().spawn();
  free.exec_am_all<Add>(counter, 1u).detach();
  free.wait_all();
  EXPECT_FALSE(done.ready());
  EXPECT_FALSE(answer.ready());
  world.barrier();  // nobody opens a door before all have seen that theirs are shut
  world.exec_am_pe<Open>(next_pe(world), door).block();
  done.block();
  answer.block();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(static_cast<int>(2 + world.num_pes()), door.local(world).passed);
}

LAMELLAR_MULTI_TEST(Groups, TheWorldWaitsForThemToo, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  for (int round = 1; round <= 5; ++round) {
    {
      const TaskGroup group = world.task_group();
      for (int i = 0; i < 20; ++i) group.exec_am_pe<Add>(next_pe(world), counter, 1u).detach();
      group.exec_am_all<AddLater>(counter, "1").detach();
      // And is destroyed meanwhile.
    }
    world.wait_all();
    EXPECT_EQ(round * (20 + world.num_pes()), everywhere(world, counter));
  }
  world.barrier();
}

LAMELLAR_MULTI_TEST(Groups, OfManyThreads, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  const TaskGroup shared = world.task_group();
  constexpr std::uint64_t kThreads = 3, kRounds = 5, kEach = 10;
  std::atomic<int> finished{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        const TaskGroup own = world.task_group();
        for (std::uint64_t i = 0; i < kEach; ++i) {
          own.exec_am_pe<Add>(next_pe(world), counter, 1u).detach();
          shared.exec_am_pe<AddText>(next_pe(world), counter, "1").detach();
        }
        own.wait_all();
      }
      ++finished;
    });
  while (finished != kThreads) world.wait_all();
  for (auto& thread : threads) thread.join();
  shared.wait_all();
  EXPECT_EQ(2 * kThreads * kRounds * kEach, everywhere(world, counter));
  world.barrier();
}

Task<std::uint64_t> phases(World world, PeLocal<Counter> counter) {
  std::uint64_t wrong = 0;
  const TaskGroup group = world.task_group();
  for (std::uint64_t phase = 1; phase <= 5; ++phase) {
    group.exec_am_all<AddLater>(counter, "1").detach();
    const TaskGroup inner = world.task_group();
    inner.exec_am_pe<Add>(next_pe(world), counter, std::uint64_t{0}).detach();
    co_await inner.async_wait_all();
    co_await group.async_wait_all();
    std::uint64_t sum = 0;
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      sum += co_await world.exec_am_pe<Value>(pe, counter);
    if (sum != phase * world.num_pes()) ++wrong;
  }
  co_return wrong;
}

LAMELLAR_MULTI_TEST(Groups, InsideOfCoroutines, 1) {
  const OfEach counters(world);
  EXPECT_EQ(0u, world.block_on(phases(world, counters.all[world.my_pe()])));
  world.barrier();
}

LAMELLAR_MULTI_TEST(Groups, TasksCountUntilTheyEnd, 1) {
  Gate gate(world), other_gate(world);  // one coroutine awaits a future
  const TaskGroup group = world.task_group();
  std::atomic<int> ran{0};
  // A coroutine lambda's captures must live as long as it does; parameters do.
  const auto waits = [](Future<void> door, std::atomic<int>& count) -> Task<int> {
    co_await door;
    ++count;
    co_return 5;
  };
  auto result = group.spawn(waits(gate.future(), ran));
  { auto dropped = group.spawn(waits(other_gate.future(), ran)); }
  auto done = group.async_wait_all().spawn();
  world.wait_all();  // which does not wait for tasks
  EXPECT_FALSE(done.ready());
  gate.open();
  EXPECT_FALSE(done.ready());
  other_gate.open();
  done.block();
  EXPECT_EQ(2, ran);
  EXPECT_EQ(5, result.block());
}

LAMELLAR_MULTI_TEST(Groups, FailuresEndToo, 1) {
  const TaskGroup group = world.task_group();
  auto one = group.exec_am_pe<Fails>(next_pe(world)).spawn();
  auto all = group.exec_am_all<Fails>().spawn();
  auto local = group.exec_am_local(Fails{}).spawn();
  group.wait_all();
  EXPECT_EQ(next_pe(world), remote_error_of([&] { one.block(); }).pe());
  EXPECT_EQ(0u, remote_error_of([&] { all.block(); }).pe());
  EXPECT_EQ(world.my_pe(), remote_error_of([&] { local.block(); }).pe());
}

LAMELLAR_MULTI_TEST(Groups, MovedAndStartedLate, 1) {
  const OfEach counters(world);
  const PeLocal<Counter> counter = counters.all[world.my_pe()];
  TaskGroup first = world.task_group();
  first.exec_am_pe<Add>(next_pe(world), counter, 1u).detach();
  TaskGroup second = std::move(first);
  second.wait_all();
  EXPECT_EQ(1u, everywhere(world, counter));
  auto late = second.exec_am_pe<Add>(next_pe(world), counter, 1u);
  auto own = second.exec_am_local(Add{counter, 1});
  second = world.task_group();
  std::move(late).detach();
  std::move(own).detach();
  second.wait_all();
  world.wait_all();
  EXPECT_EQ(3u, everywhere(world, counter));
  world.barrier();
}

}  // namespace
}  // namespace multi

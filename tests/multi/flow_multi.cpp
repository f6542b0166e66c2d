// Many messages: chains, trees, floods; waiting for them; barriers; handing over without entering
// the runtime.
#include <numeric>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

struct Count {
  PeLocal<Counter> counter;
  void exec(Context& context) const {
    counter.local(context).value.fetch_add(1, std::memory_order_relaxed);
  }
};
LAMELLAR_AM(Count, counter);

struct CountLater {
  PeLocal<Counter> counter;
  std::string text;
  Task<void> exec(Context& context) const {
    co_await context.world().exec_am_pe<Count>(next_pe(context), counter);
    counter.local(context).value += text.size();
  }
};
LAMELLAR_AM(CountLater, counter, text);

struct HopBack {  // every hop waits for the rest of the chain
  std::uint32_t left;
  Task<std::uint64_t> exec(Context& context) const {
    if (left == 0) co_return 0;
    const std::uint64_t rest =
        co_await context.world().exec_am_pe<HopBack>(next_pe(context), left - 1);
    co_return rest + 1;
  }
};
LAMELLAR_AM(HopBack, left);

struct HopOn {  // nobody waits: the last one tells where it ended
  PeLocal<Counter> counter;
  std::uint32_t left;
  void exec(Context& context) const {
    if (left == 0)
      counter.local(context).value += 1;
    else
      context.world().exec_am_pe<HopOn>(next_pe(context), counter, left - 1).detach();
  }
};
LAMELLAR_AM(HopOn, counter, left);

struct Fan {
  std::uint32_t depth;
  Task<std::uint64_t> exec(Context& context) const {
    if (depth == 0) co_return 1;
    const World world = context.world();
    const Pe left = (context.my_pe() + 1) % context.num_pes();
    const Pe right = (context.my_pe() + 2) % context.num_pes();
    std::vector<Future<std::uint64_t>> children;
    children.push_back(world.exec_am_pe<Fan>(left, depth - 1).spawn());
    children.push_back(world.exec_am_pe<Fan>(right, depth - 1).spawn());
    const std::vector<std::uint64_t> sums = co_await when_all(std::move(children));
    co_return sums[0] + sums[1] + 1;
  }
};
LAMELLAR_AM(Fan, depth);

struct FanOut {  // detached, plain: what it sends beyond the credits overflows
  PeLocal<Counter> counter;
  std::uint32_t depth;
  void exec(Context& context) const {
    counter.local(context).value += 1;
    if (depth == 0) return;
    for (Pe pe = 0; pe < context.num_pes(); ++pe)
      context.world().exec_am_pe<FanOut>(pe, counter, depth - 1).detach();
  }
};
LAMELLAR_AM(FanOut, counter, depth);

struct Read {
  PeLocal<Counter> counter;
  std::uint64_t exec(Context& context) const { return counter.local(context).value; }
};
LAMELLAR_AM(Read, counter);

struct WaitAllInside {
  PeLocal<Counter> counter;
  Pe to;
  Task<std::uint64_t> exec(Context& context) const {
    const World world = context.world();
    for (int i = 0; i < 100; ++i) world.exec_am_pe<Count>(to, counter).detach();
    co_await world.async_wait_all();
    const std::uint64_t there = co_await world.exec_am_pe<Read>(to, counter);
    co_return there;
  }
};
LAMELLAR_AM(WaitAllInside, counter, to);

std::uint64_t sum_over_pes(const World& world, const PeLocal<Counter>& counter) {
  const auto values = world.exec_am_all<Read>(counter).block();
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

LAMELLAR_MULTI_TEST(Flow, ChainAroundTheRingAndBack, 1) {
  EXPECT_EQ(world.exec_am_pe<HopBack>(next_pe(world), 1000u).block(), 1000u);
}

LAMELLAR_MULTI_TEST(Flow, ChainNobodyWaitsFor, 1) {
  PeLocal<Counter> counter(world);
  world.exec_am_pe<HopOn>(next_pe(world), counter, 1000u).detach();
  const Pe ends_on = (world.my_pe() + 1 + 1000) % world.num_pes();
  // The last hop was launched by another PE: wait_all() here says nothing of it.
  while (world.exec_am_pe<Read>(ends_on, counter).block() == 0) {
  }
  world.barrier();
  EXPECT_EQ(counter.local().value, 1u);
}

LAMELLAR_MULTI_TEST(Flow, TreeOfMessages, 1) {
  const std::uint32_t depth = kSlow ? 7 : 10;
  EXPECT_EQ(world.exec_am_pe<Fan>(next_pe(world), depth).block(), (2u << depth) - 1);
}

LAMELLAR_MULTI_TEST(Flow, HandlersThatSendMoreThanTheyGet, 1) {
  PeLocal<Counter> counter(world);
  std::uint32_t depth = 0;
  std::uint64_t nodes = 1;
  std::uint64_t leaves = 1;
  while (nodes < (kSlow ? 1000 : 20000) && depth < 12) {
    leaves *= world.num_pes();
    nodes += leaves;
    ++depth;
  }
  world.exec_am_pe<FanOut>(next_pe(world), counter, depth).detach();
  const std::uint64_t expected = nodes * world.num_pes();
  while (sum_over_pes(world, counter) < expected) {
  }
  world.barrier();
  EXPECT_EQ(sum_over_pes(world, counter), expected);
}

LAMELLAR_MULTI_TEST(Flow, DetachedFloodToEveryPeIsCounted, 1) {
  PeLocal<Counter> counter(world);
  // Without frames to keep open, each message costs one.
  const bool scarce = bytes_setting("LAMELLAR_POOL_FRAMES", 256) < 16;
  const int count = kSlow || scarce ? 5000 : 100000;
  for (int i = 0; i < count; ++i)
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      world.exec_am_pe<Count>(pe, counter).detach();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, std::uint64_t(count) * world.num_pes());
}

LAMELLAR_MULTI_TEST(Flow, DetachedCoroutineFloodIsCounted, 1) {
  PeLocal<Counter> counter(world);
  const int count = kSlow ? 300 : 3000;
  for (int i = 0; i < count; ++i)
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      world.exec_am_pe<CountLater>(pe, counter, "12345").detach();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, std::uint64_t(count) * 6 * world.num_pes());
}

LAMELLAR_MULTI_TEST(Flow, WaitAllWaitsForCoroutinesAndLocals, 1) {
  PeLocal<Counter> counter(world);
  for (int round = 1; round <= 50; ++round) {
    world.exec_am_pe<CountLater>(next_pe(world), counter, "1").detach();
    world.exec_am_local(CountLater{counter, "1"}).detach();
    auto request = world.exec_am_pe<Count>(next_pe(world), counter).spawn();
    world.wait_all();
    EXPECT_TRUE(request.ready());
    request.block();
  }
  world.barrier();
  EXPECT_EQ(sum_over_pes(world, counter), 50u * 5u * world.num_pes());
  world.wait_all();  // nothing under way
}

LAMELLAR_MULTI_TEST(Flow, WaitAllInsideTasksAndMessages, 2) {
  PeLocal<Counter> counter(world);
  const Pe next = next_pe(world);
  // One at a time: messages that await what their PEs launched must not await each other.
  if (world.my_pe() == 0) {
    EXPECT_EQ(world.exec_am_pe<WaitAllInside>(1, counter, 0).block(), 100u);
  }
  world.barrier();
  auto task = [](World inside, PeLocal<Counter> there, Pe to) -> Task<std::uint64_t> {
    for (int i = 0; i < 100; ++i) inside.exec_am_pe<Count>(to, there).detach();
    co_await inside.async_wait_all();
    const std::uint64_t value = co_await inside.exec_am_pe<Read>(to, there);
    co_return value;
  };
  EXPECT_GE(world.block_on(task(world, counter, next)), 100u);
  world.async_wait_all().block();
  world.barrier();
  EXPECT_EQ(counter.local().value, world.my_pe() == 0 ? 200u : 100u);
}

LAMELLAR_MULTI_TEST(Flow, BarriersInARow, 1) {
  PeLocal<Counter> counter(world);
  for (std::uint64_t round = 1; round <= 200; ++round) {
    world.exec_am_pe<Count>(0, counter).block();
    world.barrier();
    if (world.my_pe() == 0) {
      EXPECT_GE(counter.local().value, round * world.num_pes());
      EXPECT_LE(counter.local().value, (round + 1) * world.num_pes());
    }
  }
}

LAMELLAR_MULTI_TEST(Flow, BarriersOfTasks, 1) {
  auto task = [](World inside, PeLocal<Counter> there) -> Task<void> {
    for (std::uint64_t round = 1; round <= 200; ++round) {
      co_await inside.exec_am_pe<Count>(0, there);
      co_await inside.async_barrier();
      const std::uint64_t seen = co_await inside.exec_am_pe<Read>(0, there);
      EXPECT_GE(seen, round * inside.num_pes());
    }
  };
  PeLocal<Counter> counter(world);
  world.block_on(task(world, counter));
}

LAMELLAR_MULTI_TEST(Flow, SeveralBarriersOutstanding, 1) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Future<void>> open;
    for (int i = 0; i < 5; ++i) open.push_back(world.async_barrier().spawn());
    if (round % 2 == 0) {
      for (auto& one : open) one.block();
    } else {
      for (int i = 4; i >= 0; --i) open[i].block();
    }
  }
}

LAMELLAR_MULTI_TEST(Flow, BarriersCompleteInTheOrderTheyWereBegun, 1) {
  PeLocal<Counter> counter(world);
  // PE 0 begins its second barrier only after everybody was seen to be past the first.
  auto first = world.async_barrier().spawn();
  if (world.my_pe() != 0) {
    auto second = world.async_barrier().spawn();
    first.block();
    world.exec_am_pe<Count>(0, counter).block();
    second.block();
    EXPECT_EQ(world.exec_am_pe<Read>(0, counter).block(), world.num_pes() - 1u);
  } else {
    first.block();
    while (world.exec_am_pe<Read>(0, counter).block() != world.num_pes() - 1u) {
    }
    world.barrier();
  }
}

struct Tell {  // the sender learns from its other threads that this ran
  PeLocal<Counter> counter;
  void exec(Context& context) const {
    context.world().exec_am_pe<Count>(context.source_pe(), counter).detach();
  }
};
LAMELLAR_AM(Tell, counter);

LAMELLAR_MULTI_TEST(Flow, DetachedMessagesLeaveWithoutTheirSender, 2) {
  PeLocal<Counter> counter(world);
  // With one thread nobody could receive what PE 1 tells.
  if (world.my_pe() == 0 && world.num_threads_per_pe() > 1) {
    const std::atomic<std::uint64_t>& told = counter.local().value;
    std::uint64_t sent = 0;
    for (int round = 0; round < 50; ++round) {
      // The last of several is not the first to an idle PE; this thread calls nothing after it.
      for (int i = 0; i <= round % 7; ++i, ++sent) world.exec_am_pe<Tell>(1, counter).detach();
      while (told.load() != sent) std::this_thread::yield();
    }
  }
  world.wait_all();
  world.barrier();
}

LAMELLAR_MULTI_TEST(Flow, FlushHandsOverAtOnce, 2) {
  PeLocal<Counter> counter(world);
  for (int i = 0; i < 1000; ++i) {
    world.exec_am_pe<Count>(next_pe(world), counter).detach();
    if (i % 3 == 0) world.flush();
  }
  world.flush();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, 1000u);
}

// More than all frames hold, sent where nobody may wait for credit: the task runs them itself.
LAMELLAR_MULTI_TEST(Flow, ATaskFloodsItsOwnPe, 1) {
  PeLocal<Counter> counter(world);
  const bool scarce = bytes_setting("LAMELLAR_POOL_FRAMES", 256) < 16;
  const std::uint64_t count = kSlow || scarce ? 20000 : 2000000;
  auto task = [](World inside, PeLocal<Counter> there, std::uint64_t times) -> Task<void> {
    for (std::uint64_t i = 0; i < times; ++i)
      inside.exec_am_pe<Count>(inside.my_pe(), there).detach();
    co_await inside.async_wait_all();
    EXPECT_EQ(there.local(inside).value, times);
  };
  world.block_on(task(world, counter, count));
}

struct Threads {
  std::atomic<std::uint64_t> executed{0};
  std::atomic<std::thread::id> first{};
  std::atomic<bool> another{false};  // a second thread ran one
};

struct Slow {  // until a second thread has run one too, or for a while
  PeLocal<Threads> threads;
  std::uint64_t answer;
  std::uint64_t exec(Context& context) const {
    Threads& here = threads.local(context);
    ++here.executed;
    const std::thread::id me = std::this_thread::get_id();
    std::thread::id nobody{};
    if (!here.first.compare_exchange_strong(nobody, me) && nobody != me) here.another = true;
    for (int i = 0; i < 1000 && !here.another; ++i) std::this_thread::yield();
    return answer;
  }
};
LAMELLAR_AM(Slow, threads, answer);

struct SlowAndVaried {
  PeLocal<Threads> threads;
  std::string text;
  void exec(Context& context) const {
    Slow{threads, 0}.exec(context);
    threads.local(context).executed += text.size() - 1;
  }
};
LAMELLAR_AM(SlowAndVaried, threads, text);

// Many slow messages in few frames: threads that have nothing to do get their part.
LAMELLAR_MULTI_TEST(Flow, LongRunsAreShared, 1) {
  PeLocal<Threads> threads(world), varied(world), answered(world);
  // There is nobody to wait for, or jobs are all one thread's.
  if (world.num_threads_per_pe() == 1 || setting("LAMELLAR_EXECUTOR") == "single")
    for (const auto& each : {threads, varied, answered}) each.local(world).another = true;
  world.barrier();
  const std::uint64_t count = kSlow ? 500 : 2000;
  const Pe to = next_pe(world);
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    world.exec_am_pe<Slow>(to, threads, i).detach();
    world.exec_am_pe<Slow>(world.my_pe(), threads, i).detach();
  }
  world.wait_all();  // one kind after the other: else each thread may be busy with its own
  world.barrier();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string text(1 + i % 40, 'x');
    world.exec_am_pe<SlowAndVaried>(to, varied, text).detach();
    expected += text.size();
  }
  world.wait_all();
  world.barrier();
  std::vector<Future<std::uint64_t>> answers;
  for (std::uint64_t i = 0; i < count; ++i)
    answers.push_back(world.exec_am_pe<Slow>(to, answered, i).spawn());
  for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ(answers[i].block(), i);
  world.wait_all();
  world.barrier();
  EXPECT_EQ(threads.local().executed, 2 * count);
  EXPECT_EQ(varied.local().executed, expected);
  EXPECT_EQ(answered.local().executed, count);
  EXPECT_TRUE(threads.local().another) << "plain";
  EXPECT_TRUE(varied.local().another) << "varied";
  EXPECT_TRUE(answered.local().another) << "answered";
}

}  // namespace
}  // namespace multi

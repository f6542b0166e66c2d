// Futures: what is started with spawn, post and active messages; priorities; blocking inside tasks.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lamellar/sync.hpp>

#include "idioms/idioms.hpp"

namespace idioms::futures {

// --- 26: a future from anywhere ------------------------------------------------------------

struct HasFuture {
  Future<Counted> future;
};
Task<int> from_anywhere(World world) {
  int sum = 0;
  Counted got = co_await world.spawn(counted(1));
  sum += got.value();
  Future<Counted> named = world.spawn(counted(2));
  got = co_await named;
  sum += got.value() + (named.valid() ? 1000 : 0);
  named = world.spawn(counted(4));  // an emptied one may be filled again
  got = co_await std::move(named);
  sum += got.value();
  HasFuture member{world.spawn(counted(8))};
  got = co_await member.future;
  sum += got.value();
  std::vector<Future<Counted>> list;
  for (int i = 0; i < 3; ++i) list.push_back(world.spawn(counted(16)));
  for (auto& future : list) {
    got = co_await future;
    sum += got.value();
  }
  auto boxed = std::make_unique<Future<Counted>>(world.spawn(counted(64)));
  got = co_await *boxed;
  std::optional<Future<Counted>> maybe(world.spawn(counted(128)));
  const Counted last = co_await std::move(*maybe);
  co_return sum + got.value() + last.value();
}
TEST_F(ThreeThreads, Idiom26_AFutureFromAnywhere) {
  EXPECT_EQ(world.block_on(from_anywhere(world)), 1 + 2 + 4 + 8 + 48 + 64 + 128);
}

Task<int> takes_future(Future<Counted> future) {
  const Counted got = co_await future;
  co_return got.value();
}
Task<int> moves_futures(World world) {
  Future<Counted> first = world.spawn(counted(3));
  Future<Counted> second = std::move(first);
  int sum = first.valid() ? 1000 : 0;
  sum += co_await takes_future(std::move(second));
  sum += second.valid() ? 1000 : 0;
  co_return sum;
}
TEST_F(ThreeThreads, Idiom27_MovedFutures) {
  EXPECT_EQ(world.block_on(moves_futures(world)), 3);
  const Future<int> empty;
  EXPECT_FALSE(empty.valid());
}

Task<int> done_before(World world, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    Future<int> future = world.spawn([] { return 1; });
    while (!future.ready()) co_await lamellar::yield();
    sum += co_await future;
  }
  co_return sum;
}
TEST_F(ThreeThreads, Idiom28_FuturesThatAreDone) {
  EXPECT_EQ(world.block_on(done_before(world, 1000)), 1000);
}

// --- 29: callables -------------------------------------------------------------------------

Task<int> spawns_callables(World world) {
  const Counted kept(5);
  // Named: a temporary lambda with captures in an awaited expression is trap 95.
  auto copies = [kept] { return kept.value(); };
  int sum = co_await world.spawn(std::move(copies));
  auto moves = [owned = std::make_unique<Counted>(6)] { return owned->value(); };
  sum += co_await world.spawn(std::move(moves));
  Future<int> started = world.spawn([kept] { return kept.value(); });
  sum += co_await started;
  sum += co_await world.spawn([] { return 10; });
  co_await world.spawn([] {});
  co_return sum;
}
TEST_F(ThreeThreads, Idiom29_SpawnedCallables) {
  EXPECT_EQ(world.block_on(spawns_callables(world)), 26);
}

// --- 30: dropping --------------------------------------------------------------------------

Task<void> counts(Counted kept, std::atomic<int>& ran) {
  co_await lamellar::yield();
  ran += kept.value();
}
class Unseen : public Balanced {
 protected:
  std::atomic<int> unseen{0};
  std::optional<World> world = WorldBuilder()
                                   .force_num_pes(1)
                                   .force_threads(2)
                                   .on_error([this](std::exception_ptr) { ++unseen; })
                                   .init();
};
TEST_F(Unseen, Idiom30_DroppedFuturesAndTasks) {
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) static_cast<void>(world->spawn(counts(Counted(1), ran)));
  for (int i = 0; i < 3; ++i) static_cast<void>(world->spawn(fails("nobody waits")));
  static_cast<void>(counts(Counted(1000), ran));  // a task that is dropped does not start
  while (ran.load() < 100 || unseen.load() < 3) world->block_on(counted(1));
  world.reset();
  EXPECT_EQ(ran.load(), 100);
  EXPECT_EQ(unseen.load(), 3);
}

// --- 31: post, priorities ------------------------------------------------------------------

TEST_F(Unseen, Idiom31_PostedCallables) {
  std::atomic<int> ran{0};
  const Counted kept(1);
  for (int i = 0; i < 1000; ++i) world->post([kept, &ran] { ran += kept.value(); });
  world->post([owned = std::make_unique<Counted>(1), &ran] { ran += owned->value(); });
  world->post([] { throw Failure(); });
  world->wait_all();
  EXPECT_EQ(ran.load(), 1001);
  EXPECT_EQ(unseen.load(), 1);
}
Task<void> appends(std::string& order, char letter) {
  order += letter;
  co_return;
}
TEST_F(OneThread, Idiom32_Priorities) {
  using lamellar::Priority;
  std::string order;
  auto low = world.spawn(appends(order, 'l'), Priority::kLow);
  auto normal = world.spawn(appends(order, 'n'));
  auto high = world.spawn([&order] { order += 'h'; }, Priority::kHigh);
  world.post([&order] { order += 'L'; }, Priority::kLow);
  low.block();
  normal.block();
  high.block();
  world.wait_all();
  EXPECT_EQ(order.substr(0, 2), "hn");
  EXPECT_EQ(order.size(), 4u);
}

// --- 33: block inside a task ---------------------------------------------------------------

Task<int> blocks(World world, int depth) {
  const Counted local(depth);
  co_await lamellar::yield();
  if (depth == 0) co_return 1;
  const int inner = world.spawn(blocks(world, depth - 1)).block();
  const int other = world.block_on(counted(1)).value();
  co_await lamellar::yield();
  co_return inner + other + (local.value() == depth ? 0 : 1000);
}
TEST_F(OneThread, Idiom33_BlockInsideATask) {
  EXPECT_EQ(world.block_on(blocks(world, 10)), 11);
}
Task<int> blocks_for_a_failure(World world) {
  int caught = 0;
  try {
    world.spawn(fails("inner")).block();
  } catch (const Failure&) {
    ++caught;
  }
  try {
    world.wait_all();
  } catch (const lamellar::WouldDeadlock&) {
    caught += 10;
  }
  co_await world.async_wait_all();
  co_return caught;
}
TEST_F(ThreeThreads, Idiom34_ErrorsOfBlockInsideATask) {
  EXPECT_EQ(world.block_on(blocks_for_a_failure(world)), 11);
}
Task<int> many_block(World world, lamellar::Latch& latch, std::atomic<int>& refused) {
  auto waits = [](lamellar::Latch& for_it) -> Task<void> { co_await for_it.wait(); };
  try {
    world.spawn(waits(latch)).block();
  } catch (const lamellar::DeadlockSuspected& error) {
    // The first one that gets it opens the way for the others.
    EXPECT_NE(std::string(error.what()).find("a latch"), std::string::npos) << error.what();
    if (refused++ == 0) latch.count_down();
  }
  co_return 1;
}
TEST_F(ThreeThreads, Idiom35_TooManyTasksThatBlock) {
  lamellar::Latch latch(1);
  std::atomic<int> refused{0};
  std::vector<Future<int>> all;
  for (int i = 0; i < 80; ++i) all.push_back(world.spawn(many_block(world, latch, refused)));
  for (auto& one : all) EXPECT_EQ(one.block(), 1);
  EXPECT_GE(refused.load(), 1);
}

// --- 36: active messages -------------------------------------------------------------------

struct Ask {
  std::string text;
  int plus = 0;
  Task<std::string> exec(lamellar::Context& context) const {
    co_await lamellar::yield();
    co_return text + std::to_string(plus + static_cast<int>(context.my_pe()));
  }
};
LAMELLAR_AM(Ask, text, plus);
// Goes to and fro until nothing is left.
struct BackAndForth {
  int left = 0;
  Task<int> exec(lamellar::Context& context) const {
    if (left == 0) co_return 0;
    const int rest =
        co_await context.world().exec_am_pe<BackAndForth>(1 - context.my_pe(), left - 1);
    co_return rest + 1;
  }
};
LAMELLAR_AM(BackAndForth, left);
struct Refuse {
  std::string text;
  Task<int> exec(lamellar::Context&) const {
    const Counted local(1);
    const int value = co_await fails(text);
    co_return value + local.value();
  }
};
LAMELLAR_AM(Refuse, text);
struct Adds {
  int a = 0, b = 0;
  int exec(lamellar::Context&) const { return a + b; }
};
LAMELLAR_AM(Adds, a, b);

Task<std::string> asks(World world) {
  std::string all;
  for (lamellar::Pe pe = 0; pe < 2; ++pe) {
    all += co_await world.exec_am_pe<Ask>(pe, "emplace ", 1);
    Ask named{"named ", 2};
    all += co_await world.exec_am_pe(pe, std::move(named));
    auto handle = world.exec_am_pe<Ask>(pe, "handle ", 3);
    all += co_await std::move(handle);
    Future<std::string> future = world.exec_am_pe<Ask>(pe, "spawn ", 4).spawn();
    all += co_await future;
    all += world.exec_am_pe<Ask>(pe, "block ", 5).block();
    world.exec_am_pe<Adds>(pe, 1, 2).detach();
  }
  const std::vector<std::string> both = co_await world.exec_am_all<Ask>("all ", 6);
  co_await world.async_wait_all();
  co_return all + both[0] + both[1];
}
TEST_F(TwoPes, Idiom36_ActiveMessages) {
  run([](World& world) {
    EXPECT_EQ(world.block_on(asks(world)),
              "emplace 1named 2handle 3spawn 4block 5emplace 2named 3handle 4spawn 5block 6"
              "all 6all 7");
  });
}

struct HasCounted {
  Counted counted;
  Task<int> exec(lamellar::Context&) {
    co_await lamellar::yield();
    co_return counted.value();
  }
};
Task<int> asks_itself(World world) {
  HasCounted am{Counted(5)};
  int sum = co_await world.exec_am_local(std::move(am));
  sum += co_await world.exec_am_pe<Adds>(0, 1, 2);
  co_return sum;
}
TEST_F(ThreeThreads, Idiom37_LocalActiveMessages) {
  EXPECT_EQ(world.block_on(asks_itself(world)), 8);
}

Task<int> fails_on_both(World world) {
  int caught = 0;
  for (lamellar::Pe pe = 0; pe < 2; ++pe) {
    try {
      co_await world.exec_am_pe<Refuse>(pe, "no");
    } catch (const lamellar::RemoteError& error) {
      caught += error.remote_what() == "no" && error.pe() == pe ? 1 : 100;
    }
  }
  try {
    co_await world.exec_am_all<Refuse>("nobody");
  } catch (const lamellar::RemoteError& error) {
    caught += 10;
  }
  co_return caught;
}
TEST_F(TwoPes, Idiom38_ExceptionsOfActiveMessages) {
  run([](World& world) { EXPECT_EQ(world.block_on(fails_on_both(world)), 12); });
}
TEST_F(TwoPes, Idiom39_ActiveMessagesThatAwaitOneAnother) {
  run([](World& world) {
    const int count = world.exec_am_pe<BackAndForth>(1, 200).block();
    EXPECT_EQ(count, 200);
  });
}
// A plain exec from another PE must not block: others wait behind it in its frame.
struct Blocks {
  bool exec(lamellar::Context& context) const {
    try {
      context.world().exec_am_pe<Adds>(0, 1, 2).block();
    } catch (const lamellar::WouldDeadlock&) {
      return true;
    }
    return false;
  }
};
LAMELLAR_AM(Blocks);
TEST_F(TwoPes, Idiom40_BlockInAPlainExecIsRefused) {
  run([](World& world) { EXPECT_TRUE(world.exec_am_pe<Blocks>(1).block()); });
}

}  // namespace idioms::futures

// quiesce(): every message of the job and every task descended from one has run, on every PE.
#include <lamellar/sync.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "multi/helpers.hpp"
#include "support/am_tree.hpp"

namespace multi {

using lamellar::WouldDeadlock;
using lamellar::testing_support::Expected;
using lamellar::testing_support::expected_of;
using lamellar::testing_support::kPatient;
using lamellar::testing_support::send_node;
using lamellar::testing_support::Tree;
using lamellar::testing_support::TreeCount;

std::uint64_t number_setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Sent by the PE that `salt` names; afterwards every PE has run just its part.
void grow_and_quiesce(World& world, const PeLocal<TreeCount>& count, std::uint64_t salt,
                      std::uint32_t size) {
  const Tree tree{count, salt, size};
  const Expected here = expected_of(tree, world.my_pe(), world.num_pes());
  TreeCount& counted = count.local(world);
  counted.nodes = counted.steps = 0;
  world.barrier();
  if (world.my_pe() == salt % world.num_pes()) send_node(world, tree, 0);
  world.quiesce();
  EXPECT_EQ(here.nodes, counted.nodes.load()) << "salt " << salt;
  EXPECT_EQ(here.steps, counted.steps.load()) << "salt " << salt;
  world.barrier();
}

// Detached, requests, large, coroutines, plain, local, posted, tasks and their tasks.
LAMELLAR_MULTI_TEST(Quiesce, TreesOfEverything, 1) {
  const PeLocal<TreeCount> count(world);
  for (std::uint64_t salt = 0; salt < 10; ++salt)
    grow_and_quiesce(world, count, salt, kSlow ? 40 : 150);
}

// In soak 10^6 nodes, 20 times.
LAMELLAR_MULTI_TEST(Quiesce, TreesThatSleepAndAwaitReplies, 1) {
  const auto size = number_setting("LAMELLAR_TEST_TREE", kSlow ? 300 : 3000);
  const std::uint64_t times = number_setting("LAMELLAR_TEST_TREES", 2);
  const PeLocal<TreeCount> count(world);
  for (std::uint64_t salt = 0; salt < times; ++salt)
    grow_and_quiesce(world, count, kPatient + salt, static_cast<std::uint32_t>(size));
}

LAMELLAR_MULTI_TEST(Quiesce, OfNothingAndAgain, 1) {
  for (int i = 0; i < 20; ++i) world.quiesce();
  world.async_quiesce().block();
}

// A daemon ends when the PE function says so, after quiesce(). It is resumed by the same threads
// as messages are, between them, and what it starts are daemons too.
struct Daemons {
  lamellar::Latch open{1};
  std::atomic<std::uint64_t> ended{0};
  std::atomic<bool> stop{false};
};
Task<void> waits(Daemons* all) {
  co_await all->open.wait();
  ++all->ended;
}
Task<std::uint64_t> starts_others(World world, Daemons* all) {
  std::uint64_t started = 0;
  while (!all->stop.load()) {
    co_await lamellar::sleep_for(std::chrono::microseconds(20));
    if (started == 100) continue;
    ++started;
    if (started % 2 != 0)
      static_cast<void>(world.spawn(waits(all)));
    else  // a posted call counts itself, and is what it was posted by
      world.post([world, all] { static_cast<void>(world.spawn(waits(all))); });
  }
  co_return started;
}
LAMELLAR_MULTI_TEST(Quiesce, DaemonsDoNotCount, 1) {
  const PeLocal<TreeCount> count(world);
  Daemons daemons;
  auto starter = world.spawn(starts_others(world, &daemons));
  for (std::uint64_t salt = 30; salt < 33; ++salt)
    grow_and_quiesce(world, count, salt, kSlow ? 40 : 100);
  EXPECT_EQ(0u, daemons.ended.load());
  daemons.stop = true;
  const std::uint64_t started = starter.block();
  world.wait_all();
  daemons.open.count_down();
  auto all_ended = [](Daemons* all, std::uint64_t wanted) -> Task<void> {
    while (all->ended.load() != wanted) co_await lamellar::yield();
  };
  world.block_on(all_ended(&daemons, started));
  world.barrier();
}

// But what a daemon has sent does.
LAMELLAR_MULTI_TEST(Quiesce, MessagesOfDaemonsCount, 1) {
  const PeLocal<TreeCount> count(world);
  const Tree tree{count, 50, 60};
  const Expected here = expected_of(tree, world.my_pe(), world.num_pes());
  Daemons daemons;
  auto sends = [](World in, Tree what, Daemons* all) -> Task<void> {
    send_node(in, what, 0);
    all->stop = true;
    co_await all->open.wait();
  };
  lamellar::Future<void> daemon;
  if (world.my_pe() == world.num_pes() - 1) {
    daemon = world.spawn(sends(world, tree, &daemons));
    auto sent = [](Daemons* all) -> Task<void> {
      while (!all->stop.load()) co_await lamellar::yield();
    };
    world.block_on(sent(&daemons));
  }
  world.quiesce();
  EXPECT_EQ(here.nodes, count.local(world).nodes.load());
  EXPECT_EQ(here.steps, count.local(world).steps.load());
  daemons.open.count_down();
  if (daemon.valid()) daemon.block();
}

// The bit that says so survives every kind of wait of a message.
struct Sleepy {
  PeLocal<Counter> ended;
  std::uint32_t way;
  Task<void> exec(Context& context) const {
    const World world = context.world();
    auto counts = [](PeLocal<Counter> counter) -> Task<void> {
      co_await lamellar::sleep_for(std::chrono::milliseconds(2));
      ++counter.local().value;
    };
    auto nothing = []() -> Task<int> { co_return 1; };
    switch (way) {
      case 0: break;
      case 1: co_await lamellar::yield(); break;
      case 2: co_await lamellar::sleep_for(std::chrono::microseconds(10)); break;
      case 3: {
        auto future = world.spawn(nothing());
        co_await future;
        break;
      }
      case 4: {
        auto one = nothing();
        auto two = nothing();
        co_await lamellar::when_all(std::move(one), std::move(two));
        break;
      }
      case 5: {
        auto future = world.spawn(nothing());
        co_await lamellar::with_timeout(std::move(future), std::chrono::hours(1));
        break;
      }
      case 6: {
        auto inner = [](World in) -> Task<void> {
          auto future = in.spawn([] { return 2; });
          co_await future;
        };
        co_await inner(world);
        break;
      }
      default: {
        lamellar::Semaphore permits(1);
        auto held = co_await permits.hold();
        auto gives_back = [](lamellar::Semaphore* what) -> Task<void> {
          co_await lamellar::sleep_for(std::chrono::microseconds(10));
          what->release();
        };
        auto giver = world.spawn(gives_back(&permits));
        co_await permits.acquire(1);
        co_await giver;
        break;
      }
    }
    static_cast<void>(world.spawn(counts(ended)));
  }
};
LAMELLAR_AM(Sleepy, ended, way);

LAMELLAR_MULTI_TEST(Quiesce, CountsTasksAfterEveryKindOfWait, 1) {
  const PeLocal<Counter> ended(world);
  for (std::uint32_t way = 0; way < 8; ++way) {
    world.exec_am_pe<Sleepy>(next_pe(world), ended, way).detach();
    world.exec_am_pe<Sleepy>(next_pe(world), ended, way).block();
  }
  world.quiesce();
  EXPECT_EQ(16u, ended.local(world).value.load());
  world.barrier();
}

struct WaitsForItself {
  Task<bool> exec(Context& context) const {
    const World world = context.world();
    co_await lamellar::yield();
    try {
      co_await world.async_quiesce();
    } catch (const WouldDeadlock&) {
      co_return true;
    }
    co_return false;
  }
};
LAMELLAR_AM(WaitsForItself);

LAMELLAR_MULTI_TEST(Quiesce, IsRefusedWhereItWouldWaitForItself, 1) {
  EXPECT_TRUE(world.exec_am_pe<WaitsForItself>(next_pe(world)).block());
  auto blocks = [](World in) -> Task<void> {
    in.quiesce();
    co_return;
  };
  EXPECT_THROW(world.block_on(blocks(world)), WouldDeadlock);
  auto awaits = [](World in) -> Task<void> { co_await in.async_quiesce(); };
  world.block_on(awaits(world));
}

}  // namespace multi

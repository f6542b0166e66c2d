// Exact quiescence under schedules and faults drawn from a seed, and the faults that a test plants
// to see that the search finds them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <lamellar/sync.hpp>
#include <lamellar/world.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/futex.hpp"
#include "engine/am/planted.hpp"
#include "engine/sched/planted.hpp"
#include "lamellae/frames/planted.hpp"
#include "sim/protocols.hpp"
#include "support/am_tree.hpp"
#include "support/seeds.hpp"

namespace sim_protocols_test {

using lamellar::Context;
using lamellar::Pe;
using lamellar::PeLocal;
using lamellar::Task;
using lamellar::World;
using lamellar::testing_support::Expected;
using lamellar::testing_support::for_seeds;
using lamellar::testing_support::for_these_seeds;
using lamellar::testing_support::schedules;
using lamellar::testing_support::Tree;
using lamellar::testing_support::TreeCount;
using Counter = std::atomic<std::uint64_t>;

// By PE that started them; the PEs are threads of one process.
constexpr Pe kMostPes = 4;
Counter g_ended[kMostPes];
Counter g_arrived[kMostPes];

struct Arrive {
  Pe from;
  std::uint32_t exec(Context&) const {
    ++g_arrived[from];
    return from;
  }
};
LAMELLAR_AM(Arrive, from);

// Each has started the next thing when it ends, which is counted elsewhere.
constexpr std::uint32_t kHops = 40;
struct Hop {
  std::uint32_t left;
  void exec(Context& context) {
    const World world = context.world();
    const Pe me = world.my_pe();
    if (left % 2 != 0)
      static_cast<void>(world.exec_am_pe<Arrive>(next_pe(world), me).spawn());
    else
      world.exec_am_pe<Arrive>(next_pe(world), me).detach();
    if (left > 1) world.exec_am_local(Hop{left - 1}).detach();
    ++g_ended[me];
  }
};

namespace {

// --- the protocols: 0, or how often something was wrong ------------------------------------

// The work of this PE passes between what wait_all adds up.
int hops(World& world) {
  const Pe me = world.my_pe();
  g_ended[me] = g_arrived[me] = 0;
  world.barrier();
  int wrong = 0;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    world.exec_am_local(Hop{kHops}).detach();
    world.wait_all();  // looks again after every answer
    wrong += g_ended[me] != kHops * round;
    wrong += g_arrived[me] != kHops * round;
  }
  return wrong;
}

// A PE that does something else meanwhile: its worker has to wake up by itself.
int busy(World& world) {
  if (world.num_threads_per_pe() == 1) return 0;
  int wrong = 0;
  Counter ran{0};
  std::atomic<std::uint32_t> never{0};
  for (std::uint64_t i = 1; i <= 20; ++i) {
    // Some come while the worker is about to park.
    for (std::uint64_t pause = i * 83 % 320; pause > 0; --pause) lamellar::base::yield_thread();
    world.post([&] { ++ran; });
    for (int look = 0; ran.load() < i && look < 300; ++look) lamellar::base::yield_thread();
    if (ran.load() < i)
      lamellar::base::futex_wait(never, 0, lamellar::base::now_ns() + 1'000'000);
    wrong += ran.load() != i;
    world.wait_all();
  }
  return wrong;
}

int check(const World& world, const Tree& tree, const Expected& before) {
  const TreeCount& count = tree.count.local(world);
  const Expected here =
      lamellar::testing_support::expected_of(tree, world.my_pe(), world.num_pes());
  return (count.nodes != before.nodes + here.nodes) + (count.steps != before.steps + here.steps);
}

Expected counted(const World& world, const PeLocal<TreeCount>& count) {
  const TreeCount& here = count.local(world);
  return {here.nodes.load(), here.steps.load()};
}

// One tree after the other, each with another root.
int trees(World& world, std::uint32_t size, std::uint64_t phases, std::uint64_t salt) {
  const PeLocal<TreeCount> count(world);
  int wrong = 0;
  for (std::uint64_t phase = 0; phase < phases; ++phase) {
    const Tree tree{count, salt + phase, size};
    const Expected before = counted(world, count);
    world.barrier();
    if (world.my_pe() == phase % world.num_pes())
      lamellar::testing_support::send_node(world, tree, 0);
    if (phase % 2 == 0)
      world.quiesce();
    else
      world.async_quiesce().block();
    wrong += check(world, tree, before);
    world.barrier();
  }
  return wrong;
}

int quiesce(World& world) { return trees(world, 15, 3, 100); }
int quiesce_patiently(World& world) {
  return trees(world, 15, 2, lamellar::testing_support::kPatient + 7);
}

// All at once: a tree from each PE, and the end of the job is what waits.
Counter g_nodes{0};
struct Note {
  std::uint32_t depth;
  Task<void> exec(Context& context) const {
    const World world = context.world();
    const std::uint32_t below = depth - 1;
    co_await lamellar::sleep_for(std::chrono::microseconds(below));
    if (below != 0) {
      static_cast<void>(world.spawn(later(world, below)));
      world.exec_am_pe<Note>(next_pe(world), below).detach();
    }
    ++g_nodes;
  }
  static Task<void> later(World world, std::uint32_t below) {
    co_await lamellar::sleep_for(std::chrono::microseconds(5));
    world.exec_am_pe<Note>(pe_behind(world, 2), below).detach();
    co_await lamellar::sleep_for(std::chrono::microseconds(5));
    ++g_nodes;
  }
};
LAMELLAR_AM(Note, depth);
int at_the_end(World& world) {
  world.exec_am_pe<Note>(next_pe(world), std::uint32_t{4}).detach();
  return 0;
}
// Nodes: 1 + 2 + 4 + 8; tasks: 1 + 2 + 4.
int all_noted(Pe pes) { return g_nodes.exchange(0) != 22 * pes; }

// Daemons: what the PE function has spawned, and what that spawns. They wait for what the PE
// function does after quiesce(); the message they send before counts.
int daemons(World& world) {
  const PeLocal<TreeCount> count(world);
  const Tree tree{count, 5, 7};
  lamellar::Latch open(1);
  Counter ended{0}, looked{0};
  const auto waits = [](World, lamellar::Latch* gate, Counter* done) -> Task<void> {
    co_await gate->wait();
    ++*done;
  };
  const auto ticks = [&waits](World in, lamellar::Latch* gate, Counter* done,
                              Counter* rounds) -> Task<void> {
    for (int i = 0; i < 6; ++i) {
      co_await lamellar::sleep_for(std::chrono::microseconds(2));
      static_cast<void>(in.spawn(waits(in, gate, done)));
      ++*rounds;
    }
  };
  auto daemon = world.spawn(waits(world, &open, &ended));
  auto clock = world.spawn(ticks(world, &open, &ended, &looked));
  const bool sends = world.my_pe() == world.num_pes() - 1;
  if (sends) {
    auto sender = [](World in, Tree what) -> Task<void> {
      lamellar::testing_support::send_node(in, what, 0);
      co_return;
    };
    world.block_on(sender(world, tree));
  }
  world.quiesce();
  int wrong = check(world, tree, {}) + (ended != 0);
  open.count_down();
  clock.block();
  daemon.block();
  while (ended.load() != 7) world.block_on([](World in) -> Task<void> {
    static_cast<void>(in);
    co_await lamellar::yield();
  }(world));
  wrong += looked != 6;
  return wrong;
}

// Several at once, and barriers in between: each pairs with its own.
int several_at_once(World& world) {
  const PeLocal<TreeCount> count(world);
  const Tree one{count, 11, 7}, other{count, 12, 7};
  if (world.my_pe() == 0) lamellar::testing_support::send_node(world, one, 0);
  auto first = world.async_quiesce().spawn();
  if (world.my_pe() == 1) lamellar::testing_support::send_node(world, other, 0);
  auto second = world.async_quiesce().spawn();
  world.barrier();
  second.block();
  const Pe me = world.my_pe(), pes = world.num_pes();
  const Expected both[] = {lamellar::testing_support::expected_of(one, me, pes),
                           lamellar::testing_support::expected_of(other, me, pes)};
  const TreeCount& here = count.local(world);
  const int wrong = (here.nodes != both[0].nodes + both[1].nodes) +
                    (here.steps != both[0].steps + both[1].steps);
  first.block();
  return wrong;
}

constexpr Protocol kProtocols[] = {
    {"hops", hops},
    {"hops", hops},  // twice: what these two look for is rare
    {"busy", busy},
    {"busy", busy},
    {"quiesce", quiesce},
    {"quiesce_patiently", quiesce_patiently},
    {"at_the_end", at_the_end, all_noted},
    {"daemons", daemons},
    {"several_at_once", several_at_once},
};

TEST(Quiescence, NoScheduleAndNoFaultBreaksIt) {
  for_seeds(schedules(600), [](std::uint64_t seed) { search(seed, kProtocols); });
}

// A thousand nodes each, in soak a thousand of them.
TEST(Quiescence, TreesThatSleepAndAwaitReplies) {
  const std::uint64_t count = std::min<std::uint64_t>(schedules(150), 1000);
  for_seeds(count, [](std::uint64_t seed) {
    EXPECT_EQ(0, lamellar::WorldBuilder()
                     .force_num_pes(static_cast<Pe>(2 + seed % 3))
                     .force_threads(static_cast<std::uint32_t>(1 + seed / 3 % 3))
                     .launch([&](World& world) {
                       const std::uint64_t patient = seed % 4 != 0
                                                         ? lamellar::testing_support::kPatient
                                                         : 0;
                       return trees(world, 1000, 1, patient + seed);
                     }));
  });
}

// --- planted faults ------------------------------------------------------------------------

// Whether the search fails under this seed. In a process of its own: a fault may end in an abort,
// as when every thread of the simulation sleeps, or in a run without end.
bool found_by(std::uint64_t seed) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    alarm(5);
    for_these_seeds({seed}, [](std::uint64_t its) {
      search(its, its % 4 == 0 ? message_protocols() : std::span<const Protocol>(kProtocols));
    });
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  return status != 0;
}

struct Plant {
  const char* name;
  std::atomic<bool>& fault;
};
void PrintTo(const Plant& plant, std::ostream* out) { *out << plant.name; }

class PlantedFaults : public testing::TestWithParam<Plant> {};

TEST_P(PlantedFaults, AreFound) {
  constexpr std::uint64_t kMost = 1000;
  std::uint64_t seed = 1;
  GetParam().fault.store(true);
  while (seed <= kMost && !found_by(seed)) ++seed;
  GetParam().fault.store(false);
  EXPECT_FALSE(found_by(seed)) << "without the fault too: seed " << seed;
  EXPECT_LE(seed, kMost);
  RecordProperty("seed", std::to_string(seed));
}

INSTANTIATE_TEST_SUITE_P(
    , PlantedFaults,
    testing::Values(Plant{"LostWakeUp", lamellar::engine::g_planted_lost_wake_up},
                    Plant{"CreditLeak", lamellar::lamellae::g_planted_credit_leak},
                    Plant{"EarlyQuiescence", lamellar::engine::g_planted_early_quiescence}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace sim_protocols_test

// The whole library on the seeded baton: same seed, same run.
#include "base/clock/sim.hpp"

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>

#include "support/seeds.hpp"

namespace sim_world_test {

using lamellar::testing_support::for_seeds;
using lamellar::testing_support::schedules;

struct Increment {
  std::uint64_t value;
  std::uint64_t exec(lamellar::Context&) const { return value + 1; }
};
LAMELLAR_AM(Increment, value);

struct Outcome {
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  int status = -1;
  bool operator==(const Outcome&) const = default;
};

// 2 PEs of a main thread and 2 workers each, 100 round trips from both sides.
Outcome run(std::uint64_t seed) {
  lamellar::base::Sim sim(seed);
  Outcome result;
  sim.run([&] {
    result.status = lamellar::WorldBuilder().force_num_pes(2).force_threads(3).launch(
        [](lamellar::World& world) {
          std::uint64_t value = 0;
          for (int i = 0; i < 100; ++i)
            value = world.exec_am_pe<Increment>(1 - world.my_pe(), value).block();
          return value == 100 ? 0 : 1;
        });
  });
  result.hash = sim.trace_hash();
  result.steps = sim.steps();
  return result;
}

TEST(SimulatedWorld, OneSeedIsOneRun) {
  const Outcome first = run(1);
  EXPECT_EQ(0, first.status);
  EXPECT_GT(first.steps, 1000u);
  RecordProperty("hash", std::to_string(first.hash));
  for (int again = 1; again < 20; ++again) {
    const Outcome other = run(1);
    ASSERT_EQ(first.hash, other.hash) << "run " << again;
    ASSERT_EQ(first.steps, other.steps) << "run " << again;
    ASSERT_EQ(0, other.status);
  }
}

TEST(SimulatedWorld, OtherSeedsAreOtherRuns) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome one = run(seed);
    EXPECT_EQ(0, one.status) << seed;
    hashes.insert(one.hash);
  }
  EXPECT_EQ(10u, hashes.size());
}

// As users get at it: by the backend's name. Two runs of one seed see the same virtual times.
TEST(SimulatedWorld, IsABackend) {
  const auto end_of = [](const char* seed) {
    std::atomic<std::uint64_t> end{0};
    EXPECT_EQ(0, lamellar::WorldBuilder()
                     .force("BACKEND", "sim")
                     .force("SIM_SEED", seed)
                     .force_num_pes(2)
                     .force_threads(2)
                     .launch([&](lamellar::World& world) {
                       auto sleeps = []() -> lamellar::Task<void> {
                         co_await lamellar::sleep_for(std::chrono::minutes(5));
                       };
                       world.block_on(sleeps());
                       world.barrier();
                       const auto now = lamellar::Clock::now().time_since_epoch().count();
                       if (world.my_pe() == 0) end.store(static_cast<std::uint64_t>(now));
                       return 0;
                     }));
    return end.load();
  };
  const std::uint64_t one = end_of("7");
  EXPECT_EQ(one, end_of("7"));
  EXPECT_NE(one, end_of("8"));
  EXPECT_GE(one, 300'000'000'000u);
  EXPECT_THROW(lamellar::WorldBuilder().force("BACKEND", "sim").init(), lamellar::Unsupported);
}

struct Spread {  // answers after a task of its own and a message onward
  std::uint64_t hops;
  lamellar::Task<std::uint64_t> exec(lamellar::Context& context) const {
    const lamellar::World world = context.world();
    const std::uint64_t left = hops;
    auto part = world.spawn([left] { return left; });
    const std::uint64_t mine = co_await part;
    if (left == 0) co_return mine;
    const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
    const std::uint64_t rest = co_await world.exec_am_pe<Spread>(next, left - 1);
    co_return mine + rest;
  }
};
LAMELLAR_AM(Spread, hops);

struct Local {
  std::unique_ptr<std::uint64_t> value;
  std::uint64_t exec(lamellar::Context&) { return *value; }
};

// Whatever the schedule: messages, own-PE messages, posted calls, timers, barriers, and threads
// that park between them. A wake-up that is lost ends the simulation: every thread sleeps.
int mix_of_everything(lamellar::World& world) {
  std::atomic<std::uint64_t> posted{0};
  const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
  std::uint64_t wrong = 0;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    auto spread = world.exec_am_pe<Spread>(next, std::uint64_t{2}).spawn();
    wrong += world.exec_am_local(Local{std::make_unique<std::uint64_t>(round)}).block() != round;
    for (int i = 0; i < 3; ++i) world.post([&] { ++posted; });
    auto sleeps = [](std::uint64_t value) -> lamellar::Task<std::uint64_t> {
      co_await lamellar::sleep_for(std::chrono::microseconds(value));
      co_return value;
    };
    wrong += world.block_on(sleeps(round)) != round;
    wrong += world.spawn([&] { return world.spawn([] { return 1; }).block(); }).block() != 1;
    world.wait_all();
    wrong += posted.load() != 3 * round;
    wrong += spread.block() != 3;
    world.barrier();
  }
  return wrong == 0 ? 0 : 1;
}

TEST(SimulatedWorld, NoScheduleLosesAWakeUp) {
  for_seeds(schedules(200), [](std::uint64_t seed) {
    const auto pes = static_cast<lamellar::Pe>(1 + seed % 3);
    const auto threads = static_cast<std::uint32_t>(1 + seed / 3 % 3);
    const char* const executors[] = {"stealing", "fifo", "priority", "single"};
    EXPECT_EQ(0, lamellar::WorldBuilder()
                     .force_num_pes(pes)
                     .force_threads(threads)
                     .force("EXECUTOR", executors[seed / 9 % 4])
                     .launch(mix_of_everything));
  });
}

}  // namespace sim_world_test

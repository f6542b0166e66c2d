// Progress while user code computes, in whole worlds under schedules drawn from seeds.
#include "base/clock/sim.hpp"

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

#include "base/clock/clock.hpp"
#include "base/clock/futex.hpp"
#include "base/clock/thread.hpp"
#include "support/captured_log.hpp"
#include "support/seeds.hpp"
#include "support/threads.hpp"

namespace sim_progress_test {

using lamellar::Context;
using lamellar::Pe;
using lamellar::PeLocal;
using lamellar::World;
using lamellar::WorldBuilder;
using lamellar::testing_support::for_seeds;
using lamellar::testing_support::schedules;
using lamellar::testing_support::threads_named;
using Counter = std::atomic<std::uint64_t>;

constexpr std::uint64_t kMs = 1'000'000;

// User code that takes a while and does not enter the library.
void compute(std::uint64_t ns) {
  std::atomic<std::uint32_t> never{0};
  lamellar::base::futex_wait(never, 0, lamellar::base::now_ns() + ns);
}

std::size_t stand_ins(const World& world) {
  return threads_named("lml" + std::to_string(world.my_pe()) + ".standin");
}

struct Increment {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value + 1; }
};
LAMELLAR_AM(Increment, value);

struct Release {
  PeLocal<Counter> released;
  void exec(Context& context) const { ++released.local(context); }
};
LAMELLAR_AM(Release, released);

constexpr std::uint64_t kAnswers = 5;

// What all PEs but the first do: ask it, and when they have their answers let it go.
int ask_and_release(const World& world, PeLocal<Counter> released) {
  std::uint64_t value = 0;
  for (std::uint64_t i = 0; i < kAnswers; ++i)
    value = world.exec_am_pe<Increment>(0, value).block();
  world.exec_am_pe<Release>(0, released).block();
  return value == kAnswers ? 0 : 1;
}

// PE 0 computes in each of its threads, until messages from all others have run there.
int computes_until_released(World& world) {
  const PeLocal<Counter> released(world);
  if (world.my_pe() != 0) return ask_and_release(world, released);
  const std::uint64_t others = world.num_pes() - 1;
  const Counter& mine = released.local(world);
  const auto computes = [&mine, others] {
    while (mine.load() < others) compute(kMs / 2);
  };
  std::vector<lamellar::Future<void>> tasks;
  for (std::uint32_t i = 1; i < world.num_threads_per_pe(); ++i)
    tasks.push_back(world.spawn(computes));
  computes();
  int wrong = stand_ins(world) != 1;
  for (auto& task : tasks) task.block();
  // And again, after it has been in the library.
  world.exec_am_pe<Increment>(1, std::uint64_t{0}).block();
  wrong += stand_ins(world) != 1;
  return wrong;
}

WorldBuilder job_of(std::uint64_t seed) {
  WorldBuilder builder;
  builder.force_num_pes(static_cast<Pe>(2 + seed % 2))
      .force_threads(static_cast<std::uint32_t>(1 + seed / 2 % 3))
      .force("EXECUTOR", seed % 5 == 0 ? "fifo" : seed % 5 == 1 ? "priority" : "stealing");
  return builder;
}

TEST(Progress, SchedulesOfOneThatComputes) {
  for_seeds(schedules(60), [](std::uint64_t seed) {
    EXPECT_EQ(0, job_of(seed).force("PROGRESS", "helper").launch(computes_until_released));
  });
}

TEST(Progress, OneSeedIsOneRun) {
  const auto hash_of = [](std::uint64_t seed) {
    lamellar::base::Sim sim(seed);
    sim.run([&] { EXPECT_EQ(0, job_of(seed).launch(computes_until_released)); });
    return sim.trace_hash();
  };
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const std::uint64_t first = hash_of(seed);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(first, hash_of(seed)) << seed;
  }
}

// With poll nothing of the kind: what was sent long ago runs when the thread enters the library.
int computes_alone(World& world, std::atomic<bool>& computing) {
  const PeLocal<Counter> released(world);
  if (world.my_pe() != 0) {
    while (!computing.load()) compute(kMs / 2);
    world.exec_am_pe<Release>(0, released).block();
    world.barrier();
    return 0;
  }
  computing.store(true);
  compute(100 * kMs);
  int wrong = released.local(world).load() != 0;
  world.barrier();
  wrong += released.local(world).load() != world.num_pes() - 1;
  return wrong + (stand_ins(world) != 0);
}

int job_that_computes_alone(Pe pes, const char* executor, const char* progress) {
  std::atomic<bool> computing{false};
  return WorldBuilder()
      .force_num_pes(pes)
      .force_threads(1)
      .force("EXECUTOR", executor)
      .force("PROGRESS", progress)
      .launch([&](World& world) { return computes_alone(world, computing); });
}

TEST(Progress, SchedulesWithPoll) {
  for_seeds(schedules(20), [](std::uint64_t seed) {
    const auto pes = static_cast<Pe>(2 + seed % 2);
    EXPECT_EQ(0, job_that_computes_alone(pes, "stealing", "poll"));
    EXPECT_EQ(0, job_that_computes_alone(pes, "single", "helper")) << "poll is implied";
    EXPECT_NE(0, job_that_computes_alone(pes, "stealing", "helper")) << "the test sees nothing";
  });
}

TEST(Progress, UnknownIsAnErrorWithTheNames) {
  const lamellar::testing_support::CapturedLog log;
  EXPECT_EQ(2, WorldBuilder().force("PROGRESS", "helpful").launch([](World&) { return 0; }));
  EXPECT_NE(log.text().find("helper, poll"), std::string::npos) << log.text();
}

// Who waits in the library whenever there is nothing to do has no thread more than before.
int waits_in_the_library(World& world) {
  const PeLocal<Counter> counter(world);
  int wrong = 0;
  for (std::uint64_t round = 0; round < 4; ++round) {
    compute(kMs / 2);
    wrong += ask_and_release(world, counter);
    auto sleeps = []() -> lamellar::Task<void> {
      co_await lamellar::sleep_for(std::chrono::milliseconds(20));
    };
    world.block_on(sleeps());
    world.barrier();
  }
  return wrong + (stand_ins(world) != 0);
}

TEST(Progress, SchedulesWithoutNeed) {
  for_seeds(schedules(40), [](std::uint64_t seed) {
    EXPECT_EQ(0, job_of(seed).launch(waits_in_the_library));
  });
}

// The job ends, or fails, while the one that stands in runs a message.
struct Linger {
  PeLocal<Counter> begun;
  std::uint64_t ns;
  void exec(Context& context) const {
    ++begun.local(context);
    compute(ns);
  }
};
LAMELLAR_AM(Linger, begun, ns);

int leaves_meanwhile(World& world, bool fails) {
  const PeLocal<Counter> begun(world);
  if (world.my_pe() == 1) world.exec_am_pe<Linger>(0, begun, 5 * kMs).detach();
  if (world.my_pe() != 0) return 0;
  while (begun.local(world).load() == 0) compute(kMs / 2);
  if (fails) throw std::runtime_error("on purpose");
  return stand_ins(world) == 1 ? 0 : 1;
}

TEST(Progress, SchedulesOfTheEnd) {
  for_seeds(schedules(40), [](std::uint64_t seed) {
    const lamellar::testing_support::CapturedLog log;
    const bool fails = seed % 3 == 0;
    const int status = WorldBuilder()
                           .force_num_pes(static_cast<Pe>(2 + seed % 2))
                           .force_threads(1)
                           .launch([&](World& world) { return leaves_meanwhile(world, fails); });
    EXPECT_EQ(fails ? 1 : 0, status);
    EXPECT_EQ(0u, threads_named("lml0.standin"));
  });
}

}  // namespace sim_progress_test

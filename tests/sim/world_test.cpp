// The whole library on the seeded baton: same seed, same run.
#include "base/clock/sim.hpp"

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include <set>

namespace sim_world_test {

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

}  // namespace sim_world_test

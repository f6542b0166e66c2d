#include "base/topo/binding.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "base/clock/sim.hpp"
#include "base/clock/thread.hpp"

namespace lamellar::base {
namespace {

TEST(Binding, LastsAsLongAsItLives) {
  const Cpus before = affinity_of(0);
  EXPECT_EQ(before, allowed_cpus());
  {
    const Binding binding(before.back());
    EXPECT_TRUE(binding.holds());
    EXPECT_EQ(Cpus{before.back()}, affinity_of(0));
    EXPECT_EQ(before, allowed_cpus()) << "what a second world would have to know";
    Thread thread("inherits", [&] { EXPECT_EQ(Cpus{before.back()}, affinity_of(0)); });
  }
  EXPECT_EQ(before, affinity_of(0));
  EXPECT_EQ(before, allowed_cpus());
}

TEST(Binding, ToACpuThatIsNotThereIsNone) {
  const Cpus before = affinity_of(0);
  const Binding binding(100'000);
  EXPECT_FALSE(binding.holds());
  EXPECT_FALSE(Binding().holds());
  EXPECT_EQ(before, affinity_of(0));
  EXPECT_EQ(before, allowed_cpus());
}

TEST(Binding, MovesAndIsReleasedOnce) {
  const Cpus before = affinity_of(0);
  Binding kept;
  {
    Binding binding(before.back());
    kept = std::move(binding);
  }
  EXPECT_EQ(Cpus{before.back()}, affinity_of(0));
  kept.release();
  kept.release();
  EXPECT_EQ(before, affinity_of(0));
}

TEST(Binding, InsideAnotherEndsInTheWholeMask) {
  const Cpus before = affinity_of(0);
  {
    const Binding outer(before.front());
    const Binding inner(before.back());
    EXPECT_EQ(Cpus{before.back()}, affinity_of(0));
  }
  EXPECT_EQ(before, affinity_of(0));
}

TEST(Binding, LeavesAThreadWhereOthersHaveMovedIt) {
  const Cpus before = affinity_of(0);
  if (before.size() < 2) return;  // nowhere to move to
  {
    const Binding binding(before.front());
    ASSERT_TRUE(set_affinity(0, {before.back()}));
    EXPECT_EQ(Cpus{before.back()}, allowed_cpus());
  }
  EXPECT_EQ(Cpus{before.back()}, affinity_of(0));
  ASSERT_TRUE(set_affinity(0, before));
}

TEST(Binding, MayEndOnAnotherThread) {
  const Cpus before = affinity_of(0);
  std::optional<Binding> mine{std::in_place, before.back()};
  Thread("ends it", [&] { mine.reset(); }).join();
  EXPECT_EQ(before, affinity_of(0));
  EXPECT_EQ(before, allowed_cpus());

  std::optional<Binding> of_a_thread_that_ends;
  Thread("ends first", [&] { of_a_thread_that_ends.emplace(before.back()); }).join();
  of_a_thread_that_ends.reset();
  EXPECT_EQ(before, affinity_of(0));
}

TEST(Binding, DoesNothingInsideASimulation) {
  const Cpus before = affinity_of(0);
  Sim sim(1);
  sim.run([&] {
    EXPECT_EQ(Cpus{0}, allowed_cpus());
    const Binding binding(before.back());
    EXPECT_EQ(before, affinity_of(0));
  });
}

}  // namespace
}  // namespace lamellar::base

#include "base/helper/helper.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/clock/futex.hpp"
#include "base/clock/sim.hpp"

namespace lamellar::base {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// Says the same at each tick, and keeps when that was.
struct Target final : TickTarget {
  Target(std::uint64_t its_interval_ns, Seen it_says, int its_patience)
      : interval_ns(its_interval_ns), says(it_says), most(its_patience) {}
  Seen tick() noexcept override {
    at.push_back(now_ns());
    return says;
  }
  std::uint64_t tick_interval_ns() const noexcept override { return interval_ns; }
  int patience() const noexcept override { return most; }
  // Milliseconds since the tick before, rounded.
  std::vector<std::uint64_t> pauses() const {
    std::vector<std::uint64_t> between;
    for (std::size_t i = 1; i < at.size(); ++i)
      between.push_back((at[i] - at[i - 1] + kMs / 2) / kMs);
    return between;
  }
  const std::uint64_t interval_ns;
  Seen says;
  const int most;
  std::vector<std::uint64_t> at;  // read while the helper sleeps
};

void pass(std::uint64_t ns) {
  std::atomic<std::uint32_t> never{0};
  futex_wait(never, 0, now_ns() + ns);
}

// With a helper in virtual time.
template <class Body>
void with_helper(const Body& body) {
  Sim sim(1);
  sim.run([&] {
    const auto helper = Helper::shared();
    body(*helper);
  });
}

using Pauses = std::vector<std::uint64_t>;

TEST(Helper, LooksOnceArmedAndSleepsWhenThereIsNothing) {
  with_helper([](Helper& helper) {
    Target target(2 * kMs, TickTarget::Seen::kNothing, 3);
    helper.add(target);
    pass(1000 * kMs);
    EXPECT_EQ(0u, target.at.size()) << "not armed";
    const std::uint64_t begin = now_ns();
    helper.arm(target);
    pass(1000 * kMs);
    // The first one counts as busy: it was armed.
    EXPECT_EQ((Pauses{2, 2, 2}), target.pauses());
    EXPECT_LT(target.at[0] - begin, kMs) << "at once";
    helper.arm(target);
    pass(1000 * kMs);
    EXPECT_EQ((Pauses{2, 2, 2, 994, 2, 2, 2}).size(), target.pauses().size());
    helper.remove(target);
  });
}

TEST(Helper, KeepsItsPaceWhileThereIsNews) {
  with_helper([](Helper& helper) {
    Target target(2 * kMs, TickTarget::Seen::kActive, 3);
    helper.add(target);
    helper.arm(target);
    pass(101 * kMs);
    EXPECT_EQ(Pauses(50, 2), target.pauses());
    helper.remove(target);
    pass(100 * kMs);
    EXPECT_EQ(51u, target.at.size()) << "removed";
  });
}

// That it was armed counts once, also when there was news.
TEST(Helper, SleepsAfterAsManyLooksAsItsPatience) {
  with_helper([](Helper& helper) {
    Target target(2 * kMs, TickTarget::Seen::kActive, 3);
    helper.add(target);
    helper.arm(target);
    pass(kMs);
    target.says = TickTarget::Seen::kNothing;
    pass(1000 * kMs);
    EXPECT_EQ((Pauses{2, 2, 2}), target.pauses());
    helper.remove(target);
  });
}

TEST(Helper, LooksMoreAndMoreRarelyWhereSomethingIsQuiet) {
  with_helper([](Helper& helper) {
    Target target(2 * kMs, TickTarget::Seen::kQuiet, 2);
    helper.add(target);
    helper.arm(target);
    pass(600 * kMs);
    EXPECT_EQ((Pauses{2, 2, 4, 8, 16, 32, 64, 100, 100, 100, 100}), target.pauses());
    const std::size_t slow = target.at.size();
    helper.arm(target);
    pass(3 * kMs);
    EXPECT_EQ(slow + 2, target.at.size()) << "soon again";
    helper.remove(target);
  });
}

// Who is busy keeps nobody else awake, and they come along together where they can.
TEST(Helper, EachHasItsOwnRhythm) {
  with_helper([](Helper& helper) {
    Target often(kMs, TickTarget::Seen::kActive, 1), idle(kMs, TickTarget::Seen::kNothing, 1);
    Target seldom(10 * kMs, TickTarget::Seen::kActive, 1);
    Target other(10 * kMs, TickTarget::Seen::kActive, 1);
    for (Target* const target : {&often, &idle, &seldom, &other}) helper.add(*target);
    helper.arm(often);
    helper.arm(idle);
    helper.arm(seldom);
    pass(7 * kMs);
    helper.arm(other);
    pass(193 * kMs);
    EXPECT_NEAR(200, static_cast<double>(often.at.size()), 3);
    EXPECT_EQ(2u, idle.at.size());
    EXPECT_NEAR(20, static_cast<double>(seldom.at.size()), 3);
    EXPECT_EQ(seldom.at.back(), other.at.back()) << "in the same round";
    for (Target* const target : {&often, &idle, &seldom, &other}) helper.remove(*target);
  });
}

}  // namespace
}  // namespace lamellar::base

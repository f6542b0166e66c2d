#include "base/clock/futex.hpp"

#include <gtest/gtest.h>

#include "base/clock/clock.hpp"

namespace lamellar::base {
namespace {

TEST(Clock, NeverGoesBack) {
  std::uint64_t last = now_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = now_ns();
    ASSERT_LE(last, now);
    last = now;
  }
}

TEST(Futex, ReturnsAtOnceWhenTheWordDiffers) {
  std::atomic<std::uint32_t> word{1};
  EXPECT_TRUE(futex_wait(word, 0));
}

TEST(Futex, ADeadlineThatHasPassedIsAnnounced) {
  std::atomic<std::uint32_t> word{0};
  EXPECT_FALSE(futex_wait(word, 0, now_ns()));
  const std::uint64_t deadline = now_ns() + 1'000'000;
  while (futex_wait(word, 0, deadline, FutexScope::kShared)) {
  }
  EXPECT_GE(now_ns(), deadline);
}

TEST(Futex, WakeTellsHowManyWoke) {
  std::atomic<std::uint32_t> word{0};
  EXPECT_EQ(0, futex_wake(word, 1));
  std::thread sleeper([&] {
    while (word.load() == 0) futex_wait(word, 0);
  });
  while (futex_wake(word, 1) == 0) yield_thread();  // until it sleeps
  word.store(1);
  futex_wake(word, 1);
  sleeper.join();
}

TEST(Futex, ThePointsOfASimulationAreFreeOutsideOfOne) {
  sim_point();
  spin_pause();
  yield_thread();
}

}  // namespace
}  // namespace lamellar::base

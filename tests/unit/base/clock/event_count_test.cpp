#include "base/clock/event_count.hpp"

#include <gtest/gtest.h>

namespace lamellar::base {
namespace {

TEST(EventCount, NotifyingNobodyChangesNothing) {
  EventCount event;
  event.notify(1, FutexScope::kProcess);
  EXPECT_EQ(0u, event.epoch.load());
  EXPECT_EQ(0u, event.wakes.load());
}

TEST(EventCount, ACancelledWaitIsNone) {
  EventCount event;
  event.prepare();
  EXPECT_EQ(1u, event.waiters.load());
  event.cancel();
  EXPECT_EQ(0u, event.waiters.load());
  EXPECT_EQ(0u, event.sleeps.load());
}

TEST(EventCount, ANotifyAfterPrepareIsNotLost) {
  EventCount event;
  const std::uint32_t key = event.prepare();
  event.notify(1, FutexScope::kProcess);
  EXPECT_TRUE(event.commit(key, kForever, FutexScope::kProcess));  // does not sleep
  EXPECT_EQ(0u, event.waiters.load());
  EXPECT_EQ(1u, event.wakes.load());
  EXPECT_EQ(1u, event.sleeps.load());
}

TEST(EventCount, ADeadlineEndsTheSleep) {
  EventCount event;
  const std::uint32_t key = event.prepare();
  EXPECT_FALSE(event.commit(key, now_ns(), FutexScope::kShared));
  EXPECT_EQ(0u, event.waiters.load());
}

// Takers sleep until there is something to take; every thing is taken, nobody is left asleep.
TEST(EventCount, NoWakeUpIsLost) {
  constexpr int kTakers = 4;
  constexpr int kThings = 2000;
  EventCount event;
  std::atomic<int> there{0};
  std::atomic<int> taken{0};
  const auto take = [&] {
    int seen = there.load();
    while (seen > 0)
      if (there.compare_exchange_weak(seen, seen - 1)) return true;
    return false;
  };
  std::vector<std::thread> takers;
  for (int i = 0; i < kTakers; ++i)
    takers.emplace_back([&] {
      for (;;) {
        if (take()) {
          if (taken.fetch_add(1) + 1 == kThings) event.notify(INT32_MAX, FutexScope::kProcess);
          continue;
        }
        if (taken.load() == kThings) return;
        const std::uint32_t key = event.prepare();
        if (there.load() != 0 || taken.load() == kThings)
          event.cancel();
        else
          event.commit(key, kForever, FutexScope::kProcess);
      }
    });
  for (int i = 0; i < kThings; ++i) {
    there.fetch_add(1);
    event.notify(1, FutexScope::kProcess);
  }
  for (auto& taker : takers) taker.join();
  EXPECT_EQ(kThings, taken.load());
  EXPECT_EQ(0u, event.waiters.load());
}

}  // namespace
}  // namespace lamellar::base

#include <gtest/gtest.h>
#include <lamellar/sync.hpp>

#include "base/clock/thread.hpp"
#include "support/counting_new.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

Hand uses_all(std::uint64_t& calls) {
  lamellar::Mutex mutex;
  lamellar::RwLock lock;
  lamellar::Semaphore semaphore(3);
  lamellar::Latch latch(0);
  const lamellar::testing_support::PeakMemory memory;
  for (int i = 0; i < 10; ++i) {
    {
      const auto guard = co_await mutex.lock();
      const auto shared = co_await lock.lock_shared();
      const auto permits = co_await semaphore.hold(2);
      co_await semaphore.acquire();
    }
    semaphore.release();
    const auto guard = co_await lock.lock();
    co_await latch.wait();
  }
  calls = memory.calls();
}

// On a thread of its own, which has no cells left from before.
TEST(Sync, WhatIsFreeIsTakenWithoutAllocating) {
  std::uint64_t calls = 1;
  bool done = false;
  base::Thread("fresh", [&] {
    Hand hand = uses_all(calls);
    hand.start();
    done = hand.done();
  }).join();
  EXPECT_TRUE(done);
  EXPECT_EQ(0u, calls);
}

}  // namespace
}  // namespace sync_test

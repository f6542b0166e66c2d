#pragma once
// Event count: sleep until something happened, without losing a wake-up. It is plain memory, so
// that it can lie in a block that other processes map: the doorbell of a PE is one of these.
// After Dmitry Vyukov's eventcount and folly::EventCount.
#include <atomic>
#include <cstdint>

#include "base/clock/futex.hpp"

namespace lamellar::base {

struct EventCount {
  std::atomic<std::uint32_t> epoch{0};
  std::atomic<std::uint32_t> waiters{0};
  std::atomic<std::uint64_t> wakes{0};   // futex wake-ups rung, for tests and statistics
  std::atomic<std::uint64_t> sleeps{0};  // times a thread went to sleep

  // Waiter: key = prepare(); look once more at what is waited for (seq_cst loads); then either
  // cancel() or commit(key). All operations here are seq_cst: they pair with the notifier's
  // seq_cst publication before notify_*().
  std::uint32_t prepare() noexcept {
    waiters.fetch_add(1);
    return epoch.load();
  }
  void cancel() noexcept { waiters.fetch_sub(1); }
  // BLOCKS: until notified or `deadline_ns`; false when the deadline passed.
  bool commit(std::uint32_t key, std::uint64_t deadline_ns, FutexScope scope) noexcept {
    sleeps.fetch_add(1, std::memory_order_relaxed);
    const bool woken = futex_wait(epoch, key, deadline_ns, scope);
    waiters.fetch_sub(1);
    return woken;
  }

  // Whether somebody sleeps or is about to (seq_cst).
  bool anybody() const noexcept { return waiters.load() != 0; }

  // Notifier: publish (seq_cst), then notify. Costs one load when nobody waits.
  // BLOCKS: never. THREADS: any.
  void notify(int count, FutexScope scope) noexcept {
    if (!anybody()) return;
    epoch.fetch_add(1);
    wakes.fetch_add(1, std::memory_order_relaxed);
    futex_wake(epoch, count, scope);
  }
};
static_assert(sizeof(EventCount) == 24);

}  // namespace lamellar::base

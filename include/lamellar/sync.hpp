#pragma once
// For coroutines what <mutex>, <semaphore>, <latch> and <barrier> are for threads: who waits is
// suspended, and its thread does something else. Between the tasks of one PE (or of several worlds
// of one process); PEs share nothing.
//
// THREADS: any, for all functions. BLOCKS: never; a thread outside of tasks waits by
// world.block_on(a task that does). ERRORS: what suspends may throw std::bad_alloc, and then
// nothing has changed.
// ORDER: who came first is served first; nobody overtakes who waits, try_ functions included.
// LIFETIME: longer than everybody who waits at it or holds something of it. Destroying one that is
// waited at ends the program with a message.
// CANCELLATION: the frame of a coroutine that waits may be destroyed; the wait is withdrawn, and
// what it had been granted without having run since goes to the next one.

#include <cstdint>
#include <source_location>

#include <lamellar/detail/sync_core.hpp>

namespace lamellar {

// One holder at a time:
//   auto guard = co_await mutex.lock();
// The guard unlocks in its destructor, or by unlock(); it may be moved, also to other threads.
// Uncontended locking and unlocking are one atomic operation each.
class Mutex {
 public:
  using Guard = detail::Held<Mutex>;

  Mutex() : permits_(1, "a mutex") {}

  detail::HeldAwaiter<Mutex> lock(
      std::source_location where = std::source_location::current()) noexcept {
    return {permits_, 1, where};
  }
  // An empty guard when it is locked or waited for.
  Guard try_lock() noexcept { return detail::try_hold<Mutex>(permits_, 1); }

 private:
  detail::Permits permits_;
};

// Many readers or one writer, in the order they came: readers that come after a writer that waits
// wait behind it, so that none of them starves.
//   auto guard = co_await lock.lock_shared();   // or lock()
class RwLock {
 public:
  struct Reading;  // only a name
  using Guard = detail::Held<RwLock>;
  using SharedGuard = detail::Held<Reading>;

  RwLock() : permits_(kAll, "a reader-writer lock") {}

  detail::HeldAwaiter<RwLock> lock(
      std::source_location where = std::source_location::current()) noexcept {
    return {permits_, kAll, where};
  }
  detail::HeldAwaiter<Reading> lock_shared(
      std::source_location where = std::source_location::current()) noexcept {
    return {permits_, 1, where};
  }
  // An empty guard when somebody else has it; the shared one also when a writer has it or waits.
  Guard try_lock() noexcept { return detail::try_hold<RwLock>(permits_, kAll); }
  SharedGuard try_lock_shared() noexcept { return detail::try_hold<Reading>(permits_, 1); }

 private:
  static constexpr std::uint64_t kAll = std::uint64_t{1} << 32;  // a reader takes one
  detail::Permits permits_;
};

// Counts permits; also a signal: whoever releases need not have acquired.
class Semaphore {
 public:
  using Guard = detail::Held<Semaphore>;
  class [[nodiscard("co_await it")]] Acquire : public detail::PermitsAwaiter {
   public:
    using PermitsAwaiter::PermitsAwaiter;
    void await_resume() const noexcept {}
  };

  explicit Semaphore(std::uint64_t permits) : permits_(permits, "a semaphore") {}

  // co_await acquire(k): k permits at once. They come back by release() only: where an exception or
  // a cancellation may come in between, take hold().
  Acquire acquire(std::uint64_t count = 1,
                  std::source_location where = std::source_location::current()) noexcept {
    return {permits_, count, where};
  }
  bool try_acquire(std::uint64_t count = 1) noexcept { return permits_.try_acquire(count); }
  void release(std::uint64_t count = 1) noexcept { permits_.release(count); }

  // auto guard = co_await hold(k): the same with a guard that releases them.
  detail::HeldAwaiter<Semaphore> hold(
      std::uint64_t count = 1,
      std::source_location where = std::source_location::current()) noexcept {
    return {permits_, count, where};
  }
  Guard try_hold(std::uint64_t count = 1) noexcept {
    return detail::try_hold<Semaphore>(permits_, count);
  }
  // As it was just now.
  std::uint64_t available() const noexcept { return permits_.available(); }

 private:
  detail::Permits permits_;
};

// Opens once, when it was counted down to zero, and stays open.
// REQUIRES: not counted down by more than is left; that ends the program with a message.
class Latch {
 public:
  explicit Latch(std::uint64_t count) noexcept : arrivals_(count, 0, "a latch") {}

  void count_down(std::uint64_t count = 1) noexcept { arrivals_.arrive(count); }
  // Whether it is open.
  bool try_wait() const noexcept { return arrivals_.open(); }
  // co_await wait()
  detail::ArrivalAwaiter wait(
      std::source_location where = std::source_location::current()) noexcept {
    return {arrivals_, 0, where};
  }
  // co_await arrive_and_wait(): counts down, then waits. Who is destroyed while it waits has
  // counted down.
  detail::ArrivalAwaiter arrive_and_wait(
      std::source_location where = std::source_location::current()) noexcept {
    return {arrivals_, 1, where};
  }

 private:
  detail::Arrivals arrivals_;
};

// Rounds: each ends when all participants have arrived, and then they go on.
// REQUIRES: no more arrivals in a round than there are participants; that ends the program with a
// message.
class Barrier {
 public:
  explicit Barrier(std::uint64_t participants) noexcept
      : arrivals_(participants, participants, "a barrier") {}

  // co_await arrive_and_wait(). Who is destroyed while it waits has arrived in this round; for the
  // later ones somebody has to arrive in its place, or arrive_and_drop().
  detail::ArrivalAwaiter arrive_and_wait(
      std::source_location where = std::source_location::current()) noexcept {
    return {arrivals_, 1, where};
  }
  // Arrives without waiting; from the next round on there is one participant less.
  void arrive_and_drop() noexcept { arrivals_.arrive_and_drop(); }

 private:
  detail::Arrivals arrivals_;
};

}  // namespace lamellar

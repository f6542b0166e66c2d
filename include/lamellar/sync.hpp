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

}  // namespace lamellar

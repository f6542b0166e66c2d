#pragma once
// The untyped halves of the types of sync.hpp.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <source_location>
#include <utility>

#include <lamellar/detail/wait_queue.hpp>
#include <lamellar/export.hpp>

namespace lamellar::engine {
class WakeList;
}

namespace lamellar::detail {

// A number of permits, given out in the order of asking: who asks for many holds up those who come
// later and ask for few. A mutex is one permit; of the permits of a reader-writer lock a reader
// takes one and a writer all.
// THREADS: any. BLOCKS: never (a short lock when somebody waits).
class LAMELLAR_API Permits {
 public:
  static constexpr std::uint64_t kMost = std::uint64_t{1} << 62;

  // `what` is waited for, as shown to people: "a mutex".
  Permits(std::uint64_t count, const char* what);
  ~Permits();
  Permits(const Permits&) = delete;
  Permits& operator=(const Permits&) = delete;

  // One atomic operation when there are enough and nobody waits.
  bool try_acquire(std::uint64_t amount) noexcept;
  // One atomic operation when nobody waits.
  void release(std::uint64_t amount) noexcept;
  // From await_suspend; `waiter.amount` permits. False: they are there.
  bool suspend(Waiter& waiter, std::coroutine_handle<> self, std::source_location where);
  // Its frame is destroyed while it is suspended.
  void withdraw(Waiter& waiter) noexcept;
  std::uint64_t available() const noexcept { return state_.load() / 2; }

 private:
  bool enter(Waiter& waiter) noexcept;
  void grant(engine::WakeList& wakes) noexcept;

  // Twice the number of permits, and 1 while somebody waits: then it changes under the lock only.
  std::atomic<std::uint64_t> state_;
  const char* what_;
  HiddenMutex mutex_;
  WaitQueue waiting_;
};

// co_await for permits; what it gives is made by `Derived`, once they are there.
class PermitsAwaiter {
 public:
  PermitsAwaiter(Permits& permits, std::uint64_t amount, std::source_location where) noexcept
      : permits_(permits), where_(where) {
    waiter_.amount = amount;
  }
  ~PermitsAwaiter() {
    if (waiter_.suspended.suspended()) permits_.withdraw(waiter_);
  }
  PermitsAwaiter(const PermitsAwaiter&) = delete;
  PermitsAwaiter& operator=(const PermitsAwaiter&) = delete;
  bool await_ready() const noexcept { return permits_.try_acquire(waiter_.amount); }
  bool await_suspend(std::coroutine_handle<> self) {
    return permits_.suspend(waiter_, self, where_);
  }

 protected:
  Permits& permits_;
  const std::source_location where_;
  Waiter waiter_;
};

// Holds permits of a `Primitive` and gives them back.
template <class Primitive>
class [[nodiscard]] Held {
 public:
  Held() = default;
  Held(Permits* permits, std::uint64_t amount) noexcept : permits_(permits), amount_(amount) {}
  Held(Held&& other) noexcept
      : permits_(std::exchange(other.permits_, nullptr)), amount_(other.amount_) {}
  Held& operator=(Held&& other) noexcept {
    std::swap(permits_, other.permits_);
    std::swap(amount_, other.amount_);
    return *this;
  }
  ~Held() { unlock(); }

  bool owns() const noexcept { return permits_ != nullptr; }
  explicit operator bool() const noexcept { return owns(); }
  // Earlier than the destructor. Nothing when it does not own.
  void unlock() noexcept {
    if (Permits* const permits = std::exchange(permits_, nullptr)) permits->release(amount_);
  }

 private:
  Permits* permits_ = nullptr;
  std::uint64_t amount_ = 0;
};

template <class Primitive>
class [[nodiscard("co_await it")]] HeldAwaiter : public PermitsAwaiter {
 public:
  using PermitsAwaiter::PermitsAwaiter;
  Held<Primitive> await_resume() noexcept { return {&permits_, waiter_.amount}; }
};

template <class Primitive>
Held<Primitive> try_hold(Permits& permits, std::uint64_t amount) noexcept {
  if (!permits.try_acquire(amount)) return {};
  return {&permits, amount};
}

// Arrivals that are counted down. At zero everybody goes on who waits, and the next round begins.
// A latch has one round, a barrier many.
// THREADS: any. BLOCKS: never (a short lock).
class LAMELLAR_API Arrivals {
 public:
  // `next`: arrivals of each later round; 0: there is none, and nobody waits any more.
  Arrivals(std::uint64_t first, std::uint64_t next, const char* what) noexcept
      : missing_(first), next_(next), what_(what) {}
  ~Arrivals();
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  void arrive(std::uint64_t count) noexcept;
  // Once, and not in later rounds.
  void arrive_and_drop() noexcept;
  // Whether there is nothing to wait for.
  bool open() const noexcept;
  // From await_suspend: arrives `waiter.amount` times, then waits for the end of the round. False:
  // it has ended.
  bool suspend(Waiter& waiter, std::coroutine_handle<> self, std::source_location where);
  void withdraw(Waiter& waiter) noexcept;

 private:
  bool count(std::uint64_t arrived, engine::WakeList& wakes) noexcept;

  mutable HiddenMutex mutex_;  // guards what follows
  std::uint64_t missing_;
  std::uint64_t next_;
  const char* what_;
  WaitQueue waiting_;  // of this round
};

class [[nodiscard("co_await it")]] ArrivalAwaiter {
 public:
  ArrivalAwaiter(Arrivals& arrivals, std::uint64_t count, std::source_location where) noexcept
      : arrivals_(arrivals), where_(where) {
    waiter_.amount = count;
  }
  ~ArrivalAwaiter() {
    if (waiter_.suspended.suspended()) arrivals_.withdraw(waiter_);
  }
  ArrivalAwaiter(const ArrivalAwaiter&) = delete;
  ArrivalAwaiter& operator=(const ArrivalAwaiter&) = delete;
  bool await_ready() const noexcept { return waiter_.amount == 0 && arrivals_.open(); }
  bool await_suspend(std::coroutine_handle<> self) {
    return arrivals_.suspend(waiter_, self, where_);
  }
  void await_resume() const noexcept {}

 private:
  Arrivals& arrivals_;
  const std::source_location where_;
  Waiter waiter_;
};

}  // namespace lamellar::detail

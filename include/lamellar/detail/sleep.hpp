#pragma once
// The untyped half of sleeping and yielding.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include <lamellar/detail/suspension.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// Of one who waits until a time. Stays where it is until it fired or was removed.
struct Timer {
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  std::uint64_t deadline_ns = 0;
  std::size_t place = kNowhere;  // in its heap
  Waker* waker = nullptr;
};

// Suspends until a time. ERRORS: WorldEnded when the world ends first.
class LAMELLAR_API SleepAwaiter {
 public:
  SleepAwaiter(std::uint64_t deadline_ns, std::source_location where) noexcept
      : deadline_ns_(deadline_ns), where_(where) {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  ~SleepAwaiter();
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self);
  void await_resume() const;

 private:
  std::uint64_t deadline_ns_;
  std::source_location where_;
  Timer timer_;
  engine::Scheduler* scheduler_ = nullptr;
  Suspended suspended_;
};

class LAMELLAR_API YieldAwaiter {
 public:
  YieldAwaiter() = default;
  YieldAwaiter(const YieldAwaiter&) = delete;
  ~YieldAwaiter();
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self);
  void await_resume() const noexcept {}

 private:
  Suspended suspended_;
};

// Nanoseconds of the clock that deadlines count on, which a simulation may replace.
LAMELLAR_API std::uint64_t clock_ns() noexcept;

}  // namespace lamellar::detail

#pragma once
// Waiting for the first of several futures, for a time at most, or until told to stop: the one
// untyped awaiter that when_any, time-outs and cancellation are made of.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <stop_token>
#include <vector>

#include <lamellar/detail/future_core.hpp>
#include <lamellar/detail/sleep.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// co_await gives the index of a future that is done, kTimedOut or kStopped. Nothing is taken from
// the futures. LIFETIME: the futures outlive it.
class LAMELLAR_API AnyAwaiter {
 public:
  static constexpr std::size_t kUndecided = ~std::size_t{0};
  static constexpr std::size_t kTimedOut = kUndecided - 1;
  static constexpr std::size_t kStopped = kUndecided - 2;

  AnyAwaiter(std::vector<FutureCore*> futures, std::uint64_t deadline_ns, std::stop_token token,
             std::source_location where);
  AnyAwaiter(const AnyAwaiter&) = delete;
  ~AnyAwaiter();
  bool await_ready() noexcept;
  bool await_suspend(std::coroutine_handle<> self);
  std::size_t await_resume();

 private:
  class Race;
  class Entrant;
  struct Stop {
    void operator()() const noexcept;
    Race* race;
  };
  std::vector<FutureCore*> futures_;
  std::uint64_t deadline_ns_;
  std::stop_token token_;
  std::source_location where_;
  std::size_t index_ = kUndecided;
  StateRef<Race> race_;
  std::vector<Entrant*> entrants_;  // one in each future, from the first on
  Entrant* timer_waker_ = nullptr;
  Timer timer_;
  std::optional<std::stop_callback<Stop>> on_stop_;
  FutureAwaiter waits_;
};

}  // namespace lamellar::detail

#pragma once
// Coroutines that are stepped and destroyed by hand, on a scheduler without workers.

#include <coroutine>
#include <exception>
#include <utility>

#include "unit/engine/sched/fixture.hpp"

namespace sync_test {

namespace base = lamellar::base;
namespace detail = lamellar::detail;
using lamellar::Future;
using lamellar::Task;
using sched_test::House;

// A coroutine that runs until its first wait when it is made, and is destroyed with this.
class Hand {
 public:
  struct promise_type {
    Hand get_return_object() {
      return Hand(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  Hand(Hand&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Hand& operator=(Hand&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Hand() { destroy(); }

  bool done() const { return handle_.done(); }
  void destroy() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }
  void start() { detail::trampoline(handle_); }

 private:
  explicit Hand(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// co_await pause(): behind whatever else there is to do.
class Pause {
 public:
  Pause() noexcept {}
  ~Pause() {
    if (suspended_.suspended()) suspended_.abandon();
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    suspended_.suspend(self, sched_test::kLabel).wake();
  }
  void await_resume() const noexcept {}

 private:
  detail::Suspended suspended_;
};
inline Pause pause() { return Pause(); }

// A scheduler that works when it is told; the test's thread counts as one of its tasks.
struct Bench {
  Bench() { detail::t_state.scheduler = &house.scheduler; }
  ~Bench() { detail::t_state.scheduler = nullptr; }
  Hand start(Hand hand) {
    hand.start();
    return hand;
  }
  // Whoever was woken goes on; how many jobs that were.
  int work() {
    int jobs = 0;
    while (house.scheduler.work_once()) ++jobs;
    return jobs;
  }
  House house{0};
};

}  // namespace sync_test

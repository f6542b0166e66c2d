#pragma once
// A coroutine of the test's own: stepped by hand, and destroyed with this wherever it waits.

#include <coroutine>
#include <exception>
#include <utility>

#include <lamellar/detail/suspension.hpp>

namespace lamellar::testing_support {

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

  // Runs it until it waits.
  void start() { detail::trampoline(handle_); }
  bool done() const { return handle_.done(); }
  void destroy() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }

 private:
  explicit Hand(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace lamellar::testing_support

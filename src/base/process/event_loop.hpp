#pragma once
// Waiting for file descriptors: one with a deadline, or many with a function each (epoll).
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/clock/clock.hpp"

namespace lamellar::base {

// True when `fd` can be read without blocking or was hung up; false when `deadline_ns` passed
// first. BLOCKS: may. THREADS: any.
bool wait_readable(int fd, std::uint64_t deadline_ns) noexcept;

// THREADS: one.
class EventLoop {
 public:
  // ERRORS: std::system_error when the kernel has no descriptor left.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // run_once() calls `ready` whenever `fd` can be read or was hung up, until forget(fd), which is
  // due before the descriptor is closed. `ready` may call watch and forget.
  // ERRORS: std::system_error.
  void watch(int fd, std::function<void()> ready);
  void forget(int fd) noexcept;

  // Waits until something is ready and handles it; false when `deadline_ns` passed first.
  // BLOCKS: may. ERRORS: what the functions throw.
  bool run_once(std::uint64_t deadline_ns = kForever);

 private:
  int epoll_ = -1;
  std::map<int, std::shared_ptr<std::function<void()>>> ready_;
};

}  // namespace lamellar::base

#include "base/process/event_loop.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

namespace lamellar::base {
namespace {

// Rounded up, so that a deadline is over when the kernel says so. -1: for ever.
int milliseconds_until(std::uint64_t deadline_ns) noexcept {
  if (deadline_ns == kForever) return -1;
  const std::uint64_t now = now_ns();
  if (now >= deadline_ns) return 0;
  const std::uint64_t left = (deadline_ns - now + 999'999) / 1'000'000;
  return static_cast<int>(std::min<std::uint64_t>(left, INT_MAX));
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

bool wait_readable(int fd, std::uint64_t deadline_ns) noexcept {
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const int count = ::poll(&entry, 1, milliseconds_until(deadline_ns));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return true;  // let the read say what is wrong
    if (deadline_ns != kForever && now_ns() >= deadline_ns) return false;
  }
}

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail("epoll_create1");
}

EventLoop::~EventLoop() { close(epoll_); }

void EventLoop::watch(int fd, std::function<void()> ready) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  const int operation = ready_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll_, operation, fd, &event) != 0) fail("epoll_ctl");
  ready_[fd] = std::make_shared<std::function<void()>>(std::move(ready));
}

void EventLoop::forget(int fd) noexcept {
  if (ready_.erase(fd) != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

bool EventLoop::run_once(std::uint64_t deadline_ns) {
  std::array<epoll_event, 64> events;
  int count = 0;
  for (;;) {
    count = epoll_wait(epoll_, events.data(), events.size(), milliseconds_until(deadline_ns));
    if (count > 0) break;
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    if (deadline_ns != kForever && now_ns() >= deadline_ns) return false;
  }
  for (int i = 0; i < count; ++i) {
    const auto found = ready_.find(events[static_cast<std::size_t>(i)].data.fd);
    if (found == ready_.end()) continue;  // forgotten by one of the functions just called
    const std::shared_ptr<std::function<void()>> ready = found->second;
    (*ready)();
  }
  return true;
}

}  // namespace lamellar::base

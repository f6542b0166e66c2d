#include "base/helper/helper.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/clock/clock.hpp"
#include "base/clock/futex.hpp"
#include "base/clock/sim.hpp"
#include "base/core/assert.hpp"

namespace lamellar::base {
namespace {

// A thread in user code that left an open frame alone is looked at ever more rarely: its next
// append goes through the library, but one that was on its way when the frame was declared quiet
// is only found by looking.
constexpr std::uint64_t kSlowestNs = 100'000'000;

constinit Mutex g_mutex;
constinit std::weak_ptr<Helper> g_helper;

}  // namespace

std::shared_ptr<Helper> Helper::shared() {
  Lock lock(g_mutex);
  auto helper = g_helper.lock();
  if (!helper) {
    helper = std::make_shared<Helper>();
    g_helper = helper;
  }
  return helper;
}

Helper::Helper() {
  if (t_sim == nullptr) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    bell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = bell_;
    LAMELLAR_CHECK(epoll_ >= 0 && bell_ >= 0 &&
                       epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &event) == 0,
                   "no file descriptor left for the helper thread");
  }
  thread_ = std::make_unique<Thread>("lml-helper", [this] { run(); });
}

Helper::~Helper() {
  stopping_.store(true);
  wake();
  thread_.reset();
  for (const auto& [timer, fd] : timers_) close(fd);
  if (epoll_ >= 0) close(epoll_);
  if (bell_ >= 0) close(bell_);
}

void Helper::add(TickTarget& target) {
  Lock lock(mutex_);
  targets_.push_back(&target);
}

void Helper::remove(TickTarget& target) {
  Lock lock(mutex_);
  std::erase(targets_, &target);
}

void Helper::wake() noexcept {
  news_.fetch_add(1);
  if (bell_ < 0) {
    futex_wake(news_, 1);
    return;
  }
  const std::uint64_t one = 1;
  static_cast<void>(!::write(bell_, &one, sizeof one));  // full means rung already
}

void Helper::arm(TickTarget& target) noexcept {
  target.armed_.fetch_add(1);  // pairs with tick(): who lowers the mode looks at armed_ afterwards
  if (target.mode_.load() == TickTarget::kFast ||
      target.mode_.exchange(TickTarget::kFast) == TickTarget::kFast)
    return;
  wake();
}

void Helper::watch(int fd, std::function<void()> ready) {
  LAMELLAR_CHECK(epoll_ >= 0, "a simulation has no file descriptors");
  std::lock_guard lock(watch_mutex_);
  watches_[fd] = std::move(ready);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = fd;
  LAMELLAR_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "cannot watch a descriptor");
}

void Helper::unwatch(int fd) {
  std::lock_guard lock(watch_mutex_);
  if (watches_.erase(fd) != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

Helper::Timer Helper::call_after(std::uint64_t delay_ns, std::function<void()> then) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  LAMELLAR_CHECK(fd >= 0, "no file descriptor left for a timer");
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(delay_ns / 1'000'000'000u);
  time.it_value.tv_nsec = static_cast<long>(std::max<std::uint64_t>(delay_ns % 1'000'000'000u, 1));
  timerfd_settime(fd, 0, &time, nullptr);
  std::lock_guard lock(watch_mutex_);
  const Timer timer = ++last_timer_;
  timers_[timer] = fd;
  watch(fd, [this, timer, fd, then = std::move(then)] {
    timers_.erase(timer);
    close(fd);
    then();
  });
  return timer;
}

void Helper::cancel(Timer timer) {
  std::lock_guard lock(watch_mutex_);
  const auto it = timers_.find(timer);
  if (it == timers_.end()) return;
  unwatch(it->second);
  close(it->second);
  timers_.erase(it);
}

void Helper::serve_descriptors() noexcept {
  epoll_event events[16];
  const int count = epoll_wait(epoll_, events, 16, 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd == bell_) {
      std::uint64_t rung = 0;
      static_cast<void>(!::read(bell_, &rung, sizeof rung));
      continue;
    }
    std::lock_guard lock(watch_mutex_);
    const auto watch = watches_.find(events[i].data.fd);
    if (watch == watches_.end()) continue;
    const std::function<void()> ready = std::move(watch->second);
    watches_.erase(watch);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, events[i].data.fd, nullptr);
    ready();
  }
}

void Helper::sleep(std::uint32_t seen_news, std::uint64_t deadline_ns) noexcept {
  if (epoll_ < 0) {
    futex_wait(news_, seen_news, deadline_ns);
    return;
  }
  timespec time{};
  const std::uint64_t now = now_ns();
  const std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  time.tv_sec = static_cast<time_t>(left / 1'000'000'000u);
  time.tv_nsec = static_cast<long>(left % 1'000'000'000u);
  pollfd descriptor{epoll_, POLLIN, 0};
  if (ppoll(&descriptor, 1, deadline_ns == kForever ? nullptr : &time, nullptr) > 0)
    serve_descriptors();
}

void Helper::tick(TickTarget& target, std::uint64_t now) noexcept {
  const std::uint64_t armed = target.armed_.load();
  const auto seen = target.tick();
  const std::uint64_t interval_ns = std::max<std::uint64_t>(target.tick_interval_ns(), 1);
  const bool was_armed = armed != std::exchange(target.armed_before_, armed);
  const bool busy = seen == TickTarget::Seen::kActive || was_armed;
  target.quiet_ = busy ? 0 : std::min(target.quiet_ + 1, target.patience());
  target.its_mode_ = TickTarget::kFast;
  if (target.quiet_ < target.patience()) {
    target.slow_ns_ = interval_ns;
  } else {
    target.its_mode_ =
        seen == TickTarget::Seen::kNothing ? TickTarget::kAsleep : TickTarget::kSlow;
    target.slow_ns_ = std::min(kSlowestNs, std::max(target.slow_ns_, interval_ns) * 2);
  }
  target.mode_.store(target.its_mode_);
  if (target.armed_.load() != armed) target.mode_.store(target.its_mode_ = TickTarget::kFast);
  const std::uint64_t pause_ns =
      target.its_mode_ == TickTarget::kFast ? interval_ns : target.slow_ns_;
  target.due_ns_ = target.its_mode_ == TickTarget::kAsleep ? kForever : now + pause_ns;
}

// When the next one is due. Who would be due soon comes along with one that is as seldom: those of
// one interval end up together.
std::uint64_t Helper::tick_all() noexcept {
  const Lock lock(mutex_);
  const std::uint64_t now = now_ns();
  std::uint64_t longest_ns = 0;  // interval of who is due
  for (TickTarget* const target : targets_) {
    if (target->mode_.load() != target->its_mode_) target->due_ns_ = now;  // armed
    if (target->due_ns_ <= now) longest_ns = std::max(longest_ns, target->tick_interval_ns());
  }
  std::uint64_t next_ns = kForever;
  for (TickTarget* const target : targets_) {
    const std::uint64_t early_ns = std::min(longest_ns, target->tick_interval_ns()) / 2;
    if (target->due_ns_ <= now + early_ns) tick(*target, now);
    next_ns = std::min(next_ns, target->due_ns_);
  }
  return next_ns;
}

void Helper::run() noexcept {
  while (!stopping_.load()) {
    const std::uint32_t seen_news = news_.load();
    sleep(seen_news, tick_all());
  }
}

}  // namespace lamellar::base

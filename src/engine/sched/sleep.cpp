#include <lamellar/detail/sleep.hpp>
#include <lamellar/error.hpp>

#include "base/clock/clock.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::detail {
namespace {

constexpr WaitLabel kSleeps{"its timer", "co_await sleep_for"};
constexpr WaitLabel kYields{"its turn (yield)", "co_await yield"};

}  // namespace

std::uint64_t clock_ns() noexcept { return base::now_ns(); }

void SleepAwaiter::await_suspend(std::coroutine_handle<> self) {
  scheduler_ = this_thread().scheduler;
  WaitLabel label = kSleeps;
  label.where = where_;
  timer_.deadline_ns = deadline_ns_;
  timer_.waker = &suspended_.suspend(self, label);
  // From its being there on, another thread may resume and destroy this.
  engine::Scheduler& scheduler = *scheduler_;
  const std::uint64_t deadline = deadline_ns_;
  if (scheduler.timers().add(timer_)) scheduler.timer_moved(deadline);
  // A world that ends has woken all who slept, and looks again while anybody does.
}

SleepAwaiter::~SleepAwaiter() {
  if (!suspended_.suspended()) return;
  if (scheduler_->timers().remove(timer_))
    suspended_.take_back();
  else
    suspended_.abandon();
}

void SleepAwaiter::await_resume() const {
  if (scheduler_->stopping() && base::now_ns() < deadline_ns_)
    throw WorldEnded("the world has ended while a task slept");
}

void YieldAwaiter::await_suspend(std::coroutine_handle<> self) {
  engine::Scheduler* const scheduler = this_thread().scheduler;
  Resumption& resumption = suspended_.suspend(self, kYields);
  scheduler->submit_last(resumption);
}

YieldAwaiter::~YieldAwaiter() {
  if (suspended_.suspended()) suspended_.abandon();
}

}  // namespace lamellar::detail

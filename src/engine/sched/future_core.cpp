#include <lamellar/detail/future_core.hpp>

#include "base/core/assert.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::detail {

FutureAwaiter::~FutureAwaiter() {
  if (!suspended_.suspended()) return;
  // The frame is destroyed: nobody may resume it any more.
  if (core_->withdraw(suspended_.resumption()))
    suspended_.take_back();
  else
    suspended_.abandon();
}

bool FutureAwaiter::suspend(FutureCore& core, std::coroutine_handle<> self,
                            std::source_location where) {
  core_ = &core;
  WaitLabel label = core.label;
  if (where.line() != 0) label.where = where;
  Resumption& resumption = suspended_.suspend(self, label, &core.home());
  // From here on another thread may resume and destroy this.
  if (core.enter(resumption)) return true;
  suspended_.take_back();
  return false;
}

bool FutureCore::enter(Waker& waker) noexcept {
  std::uintptr_t nobody = 0;
  // Pairs with complete().
  if (waiter_.compare_exchange_strong(nobody, reinterpret_cast<std::uintptr_t>(&waker)))
    return true;
  LAMELLAR_CHECK(nobody == kDone, "two coroutines await one future");
  return false;
}

bool FutureCore::withdraw(Waker& waker) noexcept {
  auto mine = reinterpret_cast<std::uintptr_t>(&waker);
  return waiter_.compare_exchange_strong(mine, 0);
}

void FutureCore::complete() noexcept {
  const std::uintptr_t before = waiter_.exchange(kDone);  // pairs with ready() and suspend()
  LAMELLAR_CHECK(before != kDone, "a future was completed twice");
  if (before != 0) reinterpret_cast<Waker*>(before)->wake();
  if (blocked_.load() != 0) home_->wake_waiters();
}

void FutureCore::fail(std::exception_ptr error) noexcept {
  error_ = std::move(error);
  complete();
}

void FutureCore::block(std::source_location where) {
  if (ready()) return;
  engine::Scheduler::refuse_inside_handler(label, where);
  const auto done = [this] { return waiter_.load() == kDone || home_->interrupted(); };
  const bool in_task = engine::Scheduler::inside_task();
  if (!in_task && home_->look_briefly(done) && ready()) return;
  struct Blocked {  // pairs with complete(): publish, then look for waiters
    explicit Blocked(std::atomic<std::uint32_t>& threads) : count(threads) { count.fetch_add(1); }
    ~Blocked() { count.fetch_sub(1); }
    std::atomic<std::uint32_t>& count;
  } const blocked(blocked_);
  if (in_task)
    home_->block_inside_task(done, label, where);
  else
    home_->work_long_until(done, label, where);
  // Nobody may be left to complete it: a task that waits for something of its own.
  if (!ready()) home_->throw_interrupted();
}

void FutureCore::rethrow() {
  if (!error_) return;
  seen_ = true;
  // The waiter's alone from here on: whoever frees the state must not touch what it reads.
  std::rethrow_exception(std::move(error_));
}

void FutureCore::release() noexcept {
  if (references_.load(std::memory_order_acquire) != 1 &&
      references_.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  if (error_ && !seen_) home_->unseen_failure(error_);
  destroy_(this);
}

}  // namespace lamellar::detail

#include <lamellar/detail/future_core.hpp>

#include "base/core/assert.hpp"
#include "base/wait/wait.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::detail {

FutureAwaiter::FutureAwaiter() noexcept : Job(&resume) {}

FutureAwaiter::~FutureAwaiter() {
  static_assert(sizeof(base::WaitScope) == sizeof(wait_slot_));
  if (core_ == nullptr) return;
  // The frame is destroyed while it is suspended: nobody may resume it any more.
  auto me = reinterpret_cast<std::uintptr_t>(this);
  if (!core_->waiter_.compare_exchange_strong(me, 0)) {
    const bool taken_back = core_->home().withdraw(*this);
    LAMELLAR_CHECK(taken_back, "a task was destroyed while another thread resumes it");
  }
  reinterpret_cast<base::WaitScope*>(&wait_slot_)->leave();
}

bool FutureAwaiter::suspend(FutureCore& core, std::coroutine_handle<> self,
                            std::source_location where) {
  self_ = self.address();
  core_ = &core;
  if (where.line() == 0) where = core.label.where;
  new (&wait_slot_) base::WaitScope({core.label.what, core.home().pe(), core.label.peer,
                                     core.label.sequence, where});
  std::uintptr_t nobody = 0;
  // Pairs with complete(). From here on another thread may resume and destroy this.
  if (core.waiter_.compare_exchange_strong(nobody, reinterpret_cast<std::uintptr_t>(this)))
    return true;
  LAMELLAR_CHECK(nobody == FutureCore::kDone, "two coroutines await one future");
  core_ = nullptr;
  reinterpret_cast<base::WaitScope*>(&wait_slot_)->leave();
  return false;
}

void FutureAwaiter::resume(Job* job) noexcept {
  auto* me = static_cast<FutureAwaiter*>(job);
  me->core_ = nullptr;
  reinterpret_cast<base::WaitScope*>(&me->wait_slot_)->leave();
  trampoline(std::coroutine_handle<>::from_address(me->self_));
}

void FutureCore::complete() noexcept {
  const std::uintptr_t before = waiter_.exchange(kDone);  // pairs with ready() and suspend()
  LAMELLAR_CHECK(before != kDone, "a future was completed twice");
  if (before != 0) home_->submit(*reinterpret_cast<FutureAwaiter*>(before));
  if (blocked_.load() != 0) home_->wake_waiters();
}

void FutureCore::fail(std::exception_ptr error) noexcept {
  error_ = std::move(error);
  complete();
}

void FutureCore::block(std::source_location where) {
  if (ready()) return;
  engine::Scheduler::refuse_inside_task(label, where);
  blocked_.fetch_add(1);  // pairs with complete(): publish, then look for waiters
  home_->work_until([this] { return waiter_.load() == kDone || home_->interrupted(); }, label,
                    where);
  blocked_.fetch_sub(1);
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
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (error_ && !seen_) home_->unseen_failure(error_);
  destroy_(this);
}

}  // namespace lamellar::detail

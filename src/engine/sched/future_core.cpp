#include <lamellar/detail/future_core.hpp>
#include <utility>

#include "base/clock/sim_hook.hpp"
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
  return enter(reinterpret_cast<std::uintptr_t>(&waker));
}

bool FutureCore::withdraw(Waker& waker) noexcept {
  auto mine = reinterpret_cast<std::uintptr_t>(&waker);
  return waiter_.compare_exchange_strong(mine, kNobody);
}

bool FutureCore::enter(std::uintptr_t waits) noexcept {
  std::uintptr_t nobody = kNobody;
  if (waiter_.compare_exchange_strong(nobody, waits)) return true;  // pairs with complete()
  LAMELLAR_CHECK(nobody == kDone, "a future was awaited by two at once");
  return false;
}

void FutureCore::complete() noexcept {
  engine::Scheduler& home = *home_;
  base::sim_point();
  const std::uintptr_t before = waiter_.exchange(kDone);  // pairs with ready() and enter()
  base::sim_point();
  // From here on its owner may have freed it.
  switch (before) {
    case kNobody:
      return;
    case kBlocked:
      return home.wake_waiters();
    case kOrphan:
      return free();
    default:
      LAMELLAR_CHECK(before != kDone, "a future was completed twice");
      reinterpret_cast<Waker*>(before)->wake();
  }
}

void FutureCore::fail(std::exception_ptr error) noexcept {
  error_ = std::move(error);
  complete();
}

void FutureCore::block_until_ready(std::source_location where) {
  engine::Scheduler::refuse_inside_handler(label, where);
  const auto done = [this] { return waiter_.load() == kDone || home_->interrupted(); };
  const bool in_task = engine::Scheduler::inside_task();
  if (!in_task && home_->look_briefly(done) && ready()) return;
  if (!enter(kBlocked)) return;
  struct Leave {
    ~Leave() {
      std::uintptr_t blocked = kBlocked;
      core.waiter_.compare_exchange_strong(blocked, kNobody);
    }
    FutureCore& core;
  } const leave{*this};
  if (in_task)
    home_->block_inside_task(done, label, where);
  else
    home_->work_long_until(done, label, where);
  // Nobody may be left to complete it: a task that waits for something of its own.
  if (!ready()) home_->throw_interrupted();
}

void FutureCore::throw_error() {
  // The waiter's alone from here on: whoever frees the state must not touch what it reads.
  std::rethrow_exception(std::exchange(error_, nullptr));
}

void FutureCore::unreferenced() noexcept {
  if (entrusted_ && waiter_.load(std::memory_order_acquire) != kDone) {
    base::sim_point();
    const std::uintptr_t before = waiter_.exchange(kOrphan);  // pairs with complete()
    LAMELLAR_CHECK(before == kNobody || before == kDone,
                   "a future was dropped while somebody waits for it");
    if (before != kDone) return;
  }
  free();
}

void FutureCore::free() noexcept {
  if (error_) home_->unseen_failure(error_);  // nobody has seen it
  destroy_(this);
}

}  // namespace lamellar::detail

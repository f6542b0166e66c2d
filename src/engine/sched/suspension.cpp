#include <lamellar/detail/slab.hpp>
#include <lamellar/detail/suspension.hpp>
#include <new>

#include "base/core/assert.hpp"
#include "base/wait/wait.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::detail {

Resumption& Suspended::suspend(std::coroutine_handle<> self, const WaitLabel& label,
                               engine::Scheduler* otherwise) {
  static_assert(sizeof(base::WaitScope) == sizeof(wait_slot_));
  engine::Scheduler* const current = this_thread().scheduler;
  engine::Scheduler* const home = current != nullptr ? current : otherwise;
  LAMELLAR_CHECK(home != nullptr, "a coroutine suspended outside of every world: start it with "
                                  "World::spawn, or inside an active message");
  self_ = self.address();
  resumption_ = slab_new<Resumption>(*this, *home);
  new (&wait_slot_)
      base::WaitScope({label.what, home->pe(), label.peer, label.sequence, label.where});
  return *resumption_;
}

void Suspended::leave() noexcept {
  resumption_ = nullptr;
  reinterpret_cast<base::WaitScope*>(&wait_slot_)->leave();
}

void Suspended::take_back() noexcept {
  slab_delete(resumption_);
  leave();
}

void Suspended::abandon() noexcept {
  const bool in_time = resumption_->frame_.exchange(nullptr) != nullptr;
  LAMELLAR_CHECK(in_time, "a task was destroyed while another thread resumes it");
  leave();
}

void Resumption::resume(Job* job) noexcept {
  auto* me = static_cast<Resumption*>(job);
  Suspended* const frame = me->frame_.exchange(nullptr);
  const bool in_am = me->in_am_;
  slab_delete(me);
  if (frame == nullptr) return;
  frame->leave();
  this_thread().inside.am = in_am;
  trampoline(std::coroutine_handle<>::from_address(frame->self_));
}

}  // namespace lamellar::detail

#pragma once
// What the types of this room have in common: their lock, and waking after it was let go.
#include <lamellar/detail/wait_queue.hpp>

#include "base/clock/futex.hpp"
#include "base/clock/mutex.hpp"

namespace lamellar::engine {

inline base::Mutex& lock_of(detail::HiddenMutex& hidden) noexcept {
  return *static_cast<base::Mutex*>(hidden.place());
}

// Those that were granted what they wait for; its end wakes them. It must come after that of the
// lock: declare it first. A frame may be destroyed as soon as the lock is let go, so nothing of it
// is touched then; the resumptions are ours.
class WakeList {
 public:
  WakeList() = default;
  WakeList(const WakeList&) = delete;
  WakeList& operator=(const WakeList&) = delete;
  ~WakeList() {
    while (first_ != nullptr) {
      auto* const one = static_cast<detail::Resumption*>(first_);
      first_ = one->next;
      base::sim_point();
      one->wake();
    }
  }
  // The first of `queue` has what it waited for.
  void grant_first(detail::WaitQueue& queue) noexcept {
    detail::Waiter& waiter = *queue.first();
    queue.remove(waiter);
    waiter.granted = true;
    detail::Job* const job = waiter.resumption;
    job->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = job;
    last_ = job;
  }

 private:
  detail::Job* first_ = nullptr;
  detail::Job* last_ = nullptr;
};

// From await_suspend. `enter` runs under the lock and says whether the coroutine has to wait; then
// it has put it into a queue, and another thread may resume and destroy it from there on.
template <class Enter>
bool suspend(detail::HiddenMutex& mutex, detail::Waiter& waiter, std::coroutine_handle<> self,
             const detail::WaitLabel& label, const Enter& enter) {
  waiter.granted = false;
  waiter.resumption = &waiter.suspended.suspend(self, label);
  base::sim_point();
  bool waits = false;
  {
    const base::Lock lock(lock_of(mutex));
    waits = enter();
  }
  base::sim_point();
  if (!waits) waiter.suspended.take_back();
  return waits;
}

// The frame of a suspended waiter is destroyed. `leave` runs under the lock: it takes the waiter
// out of its queue, or gives back what it was granted, and grants others what is free now.
template <class Leave>
void withdraw(detail::HiddenMutex& mutex, detail::Waiter& waiter, const Leave& leave) noexcept {
  base::sim_point();
  WakeList wakes;
  {
    const base::Lock lock(lock_of(mutex));
    leave(wakes);
  }
  if (waiter.granted)
    waiter.suspended.abandon();
  else
    waiter.suspended.take_back();
}

}  // namespace lamellar::engine

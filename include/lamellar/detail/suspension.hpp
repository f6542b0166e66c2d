#pragma once
// A suspended coroutine that somebody wakes, once: what every awaitable of the library is made of.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <source_location>
#include <utility>

#include <lamellar/detail/job.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// Runs a coroutine and whatever it hands over to, one after the other, on a flat stack. Symmetric
// transfer would overflow it at -O0 and under sanitizers.
inline void trampoline(std::coroutine_handle<> first) noexcept {
  ThreadState& thread = this_thread();
  void* const outer = std::exchange(thread.next_coroutine, nullptr);
  first.resume();
  while (thread.next_coroutine != nullptr) {
    void* const next = std::exchange(thread.next_coroutine, nullptr);
    std::coroutine_handle<>::from_address(next).resume();
  }
  thread.next_coroutine = outer;
}

// From await_suspend: `next` runs as soon as the caller's resume() has returned.
inline void hand_over(std::coroutine_handle<> next) noexcept {
  this_thread().next_coroutine = next.address();
}

// What a wait is for, for the who-waits-for-what table.
struct WaitLabel {
  const char* what = "a future";
  const char* instead = "co_await the future";  // the awaitable form, for WouldDeadlock
  std::uint32_t peer = ~std::uint32_t{0};
  std::uint64_t sequence = 0;
  std::source_location where = {};  // the call that started it, shown when the wait has none
};

// What waits in a future or behind a timer: a job that its scheduler runs when the time has come.
class Waker : public Job {
 public:
  Waker(void (*function)(Job*) noexcept, engine::Scheduler& home) noexcept
      : Job(function), home_(&home) {}
  // Once: *this belongs to its own function. THREADS: any.
  void wake() noexcept { submit(*home_, *this); }

 private:
  engine::Scheduler* home_;
};

class Suspended;

// The waker's half of a suspension: resumes the coroutine. It lives in a cell of its own, so that
// the coroutine's frame may be destroyed at any time; then it runs for nothing.
class LAMELLAR_API Resumption final : public Waker {
 public:
  Resumption(Suspended& frame, engine::Scheduler& home) noexcept
      : Waker(&resume, home), frame_(&frame), in_am_(this_thread().inside.am) {}

 private:
  friend class Suspended;
  static void resume(Job* job) noexcept;
  std::atomic<Suspended*> frame_;  // null: destroyed
  const bool in_am_;               // see Inside: the coroutine goes on as what it was
};

// The coroutine's half, in its awaiter. An awaiter whose frame is destroyed while it is suspended
// first takes its resumption out of the hands of whoever would wake it (under that one's lock),
// then calls take_back(); where it comes too late for that, abandon().
class LAMELLAR_API Suspended {
 public:
  Suspended() = default;
  Suspended(const Suspended&) = delete;
  Suspended& operator=(const Suspended&) = delete;

  // From await_suspend: what wakes `self`, entered among the waits under `label`. Once it is in a
  // waker's hands another thread may resume the coroutine and destroy this.
  // Its scheduler: that of the calling thread, or `otherwise` on a thread that runs no task.
  Resumption& suspend(std::coroutine_handle<> self, const WaitLabel& label,
                      engine::Scheduler* otherwise = nullptr);
  // True from suspend() until the coroutine goes on.
  bool suspended() const noexcept { return resumption_ != nullptr; }
  // REQUIRES: suspended.
  Resumption& resumption() const noexcept { return *resumption_; }
  // Nobody has the resumption any more: it is freed, and the coroutine is not suspended.
  void take_back() noexcept;
  // Somebody has it and wakes it, or has woken it: that has no effect any more.
  void abandon() noexcept;

 private:
  friend class Resumption;
  void leave() noexcept;
  void* self_ = nullptr;
  Resumption* resumption_ = nullptr;
  void* wait_slot_ = nullptr;
};

}  // namespace lamellar::detail

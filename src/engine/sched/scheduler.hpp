#pragma once
// Runs jobs on the workers of one PE and on the threads that wait. Workers park on the PE's
// doorbell, which arriving messages ring too.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <lamellar/detail/future_core.hpp>
#include <lamellar/types.hpp>

#include "base/clock/event_count.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/thread.hpp"
#include "base/wait/wait.hpp"
#include "engine/sched/idle_hook.hpp"

namespace lamellar::engine {

struct SchedulerOptions {
  Pe pe = 0;
  std::uint32_t workers = 0;     // threads started; threads that wait work too
  std::uint32_t spins = 0;       // empty looks before yielding; 0 when cores are oversubscribed
  double warn_after_s = 0;       // a wait longer than this prints who waits for what; 0 = never
  base::EventCount* doorbell = nullptr;
  base::FutexScope scope = base::FutexScope::kProcess;
  IdleHook* hook = nullptr;
  Engine* engine = nullptr;      // what a thread works for while it runs a job
  std::function<void(std::exception_ptr)> unseen_failure; // of a future that was dropped
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();  // stops
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void start();
  // Ends the workers; jobs that are still queued are run first. BLOCKS: until they ended.
  void stop();

  // THREADS: any. BLOCKS: never (a short lock).
  void submit(detail::Job& job) noexcept;
  bool withdraw(detail::Job& job) noexcept;

  // Back-pressure for a thread outside of tasks that submits faster than anybody runs: works until
  // the queue is short again. BLOCKS: never for long (runs jobs). Nothing inside a task.
  void throttle() noexcept;

  // One look at the network and one job; whether there was anything. THREADS: any.
  bool work_once() noexcept;

  // Works until done() holds. `done` must become true by a publication followed by wake_waiters()
  // (or by something this thread runs itself); its loads must be seq_cst.
  // BLOCKS: may. REQUIRES: not inside a task (see refuse_inside_task).
  template <class Done>
  void work_until(const Done& done, const detail::WaitLabel& label, std::source_location where) {
    if (done()) return;
    Waiting waiting(*this, label, where);
    while (!done()) waiting.step(done);
  }

  // After publishing what a thread in work_until() may wait for.
  void wake_waiters() noexcept;

  // From now on no thread waits for a future that is not done: it throws what `make` gives, one
  // exception per thread. The first call counts. THREADS: any.
  void interrupt(const std::function<std::exception_ptr()>& make) noexcept;
  bool interrupted() const noexcept { return interrupted_.load(); }
  // REQUIRES: interrupted().
  [[noreturn]] void throw_interrupted() { std::rethrow_exception(why_interrupted_()); }

  // Throws WouldDeadlock when the calling thread runs a task or a handler.
  static void refuse_inside_task(const detail::WaitLabel& label, std::source_location where);

  void unseen_failure(std::exception_ptr error) noexcept;
  Pe pe() const noexcept { return options_.pe; }

 private:
  // One thread's wait: the who-waits entry, and how idle it has been. LIFETIME: of the label's.
  class Waiting {
   public:
    Waiting(Scheduler& scheduler, const detail::WaitLabel& label, std::source_location where);
    ~Waiting();
    template <class Done>
    void step(const Done& done) {
      if (++steps_ == kLongWait) enter();
      if (scheduler_.work_once()) {
        idle_ = 0;
        worked_ = true;
        return;
      }
      if (!should_park()) return;
      const std::uint32_t key = scheduler_.options_.doorbell->prepare();
      if (done() || scheduler_.pending())
        scheduler_.options_.doorbell->cancel();
      else
        park(key);
    }

   private:
    bool should_park() noexcept;
    void park(std::uint32_t key) noexcept;
    void enter() noexcept;
    Scheduler& scheduler_;
    const detail::WaitLabel& label_;
    const std::source_location where_;
    base::WaitScope entry_;
    bool entered_ = false;  // short waits are not: a clock read costs as much as a message
    static constexpr std::uint32_t kLongWait = 1024;  // steps, idle or not
    std::uint32_t steps_ = 0;
    std::uint32_t idle_ = 0;
    bool worked_ = false;  // since it was last idle
    bool parked_ = false;  // at least once
    std::uint64_t warn_at_ns_;
  };

  void worker() noexcept;
  bool pending() noexcept { return queued_.load() != 0 || options_.hook->pending(); }
  detail::Job* pop() noexcept;
  void run(detail::Job& job) noexcept;

  SchedulerOptions options_;
  base::Mutex mutex_;  // guards the queue
  detail::Job* head_ = nullptr;
  detail::Job* tail_ = nullptr;
  std::atomic<std::uint64_t> queued_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> interrupting_{false};  // true: the first caller writes why_interrupted_
  std::atomic<bool> interrupted_{false};   // it is there
  std::function<std::exception_ptr()> why_interrupted_;
  std::vector<std::unique_ptr<base::Thread>> workers_;
};

}  // namespace lamellar::engine

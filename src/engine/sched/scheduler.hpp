#pragma once
// Runs jobs on the workers of one PE and on the threads that wait. Where jobs are queued is the
// executor's matter; here is who looks when, at the jobs, the network and the timers, and who
// sleeps. Everybody parks on the PE's doorbell, which arriving messages ring too.
//
// While work exists one thread is looking (searching_): who submits wakes one only when nobody is,
// and who finds something as the last searcher wakes the next.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <lamellar/detail/future_core.hpp>
#include <lamellar/executor.hpp>
#include <lamellar/types.hpp>

#include "base/clock/affinity.hpp"
#include "base/clock/event_count.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/thread.hpp"
#include "base/wait/wait.hpp"
#include "engine/sched/attendance.hpp"
#include "engine/sched/idle_hook.hpp"
#include "engine/sched/job_list.hpp"
#include "engine/sched/timers.hpp"

namespace lamellar::engine {

struct SchedulerOptions {
  Pe pe = 0;
  std::uint32_t workers = 0;     // threads started; threads that wait work too
  bool spins = false;            // look for a while before sleeping: there is a cpu for each thread
  double warn_after_s = 0;       // a wait longer than this prints who waits for what; 0 = never
  base::EventCount* doorbell = nullptr;
  base::FutexScope scope = base::FutexScope::kProcess;
  IdleHook* hook = nullptr;
  Engine* engine = nullptr;      // what a thread works for while it runs a job
  std::unique_ptr<Executor> executor;  // null: work stealing
  bool stands_in = false;        // one thread more attends while all others compute: Attendance
  base::Cpus cpus;               // for that one; none: wherever the helper may run
  std::function<void(std::exception_ptr)> unseen_failure; // of a future that was dropped
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();  // stops
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void start();
  // Ends the workers; jobs that are still queued are run first, and tasks that sleep wake up (see
  // stopping()). BLOCKS: until they ended.
  void stop();
  bool stopping() const noexcept { return stopping_.load(); }

  // THREADS: any. BLOCKS: never (a short lock).
  void submit(detail::Job& job, Priority priority = Priority::kNormal) noexcept;
  // Behind what was submitted before.
  void submit_last(detail::Job& job) noexcept;

  // For the thread that has this number: 0 is whoever waits, the others are workers, or who stands
  // in for them. Before what the executor has. REQUIRES: number <= workers. THREADS: any.
  void submit_to(std::uint32_t number, detail::Job& job) noexcept;

  // For a job that runs to its end: inside a task, where thousands wait already, here and now. So
  // whoever starts more than all run needs no more memory for it, and it costs less.
  // Undeferred tasks as in libgomp.
  void submit_or_run(detail::Job& job, Priority priority) noexcept;

  // Back-pressure for a thread outside of tasks that submits faster than anybody runs: works until
  // the queue is short again. BLOCKS: never for long (runs jobs). REQUIRES: not inside a task.
  void throttle() noexcept;

  // One job, and now and then a look at the network and the timers; always when there is no job.
  // Whether there was anything. THREADS: any.
  bool work_once() noexcept;

  // Works until done() holds. `done` must become true by a publication followed by wake_waiters()
  // (or by something this thread runs itself); its loads must be seq_cst. It is asked before
  // parking and again after it: asked twice about one state it must give the same answer.
  // BLOCKS: may. REQUIRES: not inside a task (see refuse_inside_task).
  template <class Done>
  void work_until(const Done& done, const detail::WaitLabel& label, std::source_location where) {
    if (!done() && !look_briefly(done)) work_long_until(done, label, where);
  }

  // Its two halves. Most answers of a PE on the same host come before it is worth while to
  // take a seat: only the network is looked at, where there is a cpu for each thread. Whether
  // done() holds; false when there are jobs to run, or after a while. Needs no wake_waiters().
  template <class Done>
  bool look_briefly(const Done& done) {
    options_.hook->going_idle();
    if (!options_.spins) return false;
    bool worked = false, over = has_work(0);
    for (std::uint32_t looks = 0; looks < kBriefLooks && !over; ++looks) {
      if (poll()) {
        worked = true;
        over = done() || has_work(0);
        continue;
      }
      if (std::exchange(worked, false)) options_.hook->going_idle();
      base::spin_pause();
      over = done();
    }
    // What this thread did for others must not stay behind while it computes.
    if (worked) options_.hook->going_idle();
    return over && done();
  }
  template <class Done>
  void work_long_until(const Done& done, const detail::WaitLabel& label,
                       std::source_location where) {
    Waiting waiting(*this, label, where);
    while (!done()) waiting.step(done);
  }

  // The same inside a task or a handler: looks at the network for a while (replies, plain active
  // messages), then sleeps, while a spare thread does this thread's work. BLOCKS: may.
  // ERRORS: DeadlockSuspected when too many threads wait so.
  void block_inside_task(const std::function<bool()>& done, const detail::WaitLabel& label,
                         std::source_location where);

  // After publishing what a thread in work_until() may wait for.
  void wake_waiters() noexcept;

  // The calling thread's number among the workers, which no other thread has meanwhile; or
  // Executor::kVisitor.
  std::uint32_t number_of_this_thread() const noexcept {
    return t_seat.scheduler == this ? t_seat.worker : Executor::kVisitor;
  }

  void descendant_began() noexcept { options_.hook->descendant_began(); }
  void descendant_ended() noexcept { options_.hook->descendant_ended(); }

  Timers& timers() noexcept { return timers_; }
  // After a timer was added as the first: somebody must not sleep longer than that.
  void timer_moved(std::uint64_t deadline_ns) noexcept;

  // From now on no thread waits for a future that is not done: it throws what `make` gives, one
  // exception per thread. The first call counts. THREADS: any.
  void interrupt(const std::function<std::exception_ptr()>& make) noexcept;
  bool interrupted() const noexcept { return interrupted_.load(); }
  // REQUIRES: interrupted().
  [[noreturn]] void throw_interrupted() { std::rethrow_exception(why_interrupted_()); }

  // Handlers and jobs inside one another that a thread goes on taking.
  static constexpr std::uint32_t kDeepest = 8;
  static bool inside_task() noexcept { return detail::t_state.depth != 0; }
  // Throws WouldDeadlock when the calling thread runs a task or a handler.
  static void refuse_inside_task(const detail::WaitLabel& label, std::source_location where);
  // The same in an exec that runs where its message was received.
  static void refuse_inside_handler(const detail::WaitLabel& label, std::source_location where);

  // The calling thread runs what it found in the network: somebody else may look there meanwhile.
  static void handler_begins() noexcept;

  // Other threads work here besides the one that waits, and any of them may take a job.
  bool has_company() const noexcept {
    return options_.workers != 0 && options_.executor->wakes() <= 1;
  }
  // One of them has nothing to do. A guess.
  bool anybody_idle() const noexcept {
    return searching_.load(std::memory_order_relaxed) != 0 || options_.doorbell->anybody();
  }

  void unseen_failure(std::exception_ptr error) noexcept;
  Pe pe() const noexcept { return options_.pe; }

 private:
  // What the calling thread is for which scheduler.
  struct Seat {
    Scheduler* scheduler = nullptr;
    std::uint32_t worker = Executor::kVisitor;
    bool searching = false;  // counted in searching_
  };
  // For the time of its life the calling thread works here.
  class Sitting {
   public:
    Sitting(Scheduler& scheduler, std::uint32_t home) noexcept;
    ~Sitting();

   private:
    Seat outer_;
  };

  // One thread's wait: the who-waits entry, and how idle it has been. LIFETIME: of the label's.
  class Waiting {
   public:
    Waiting(Scheduler& scheduler, const detail::WaitLabel& label, std::source_location where);
    ~Waiting();
    template <class Done>
    void step(const Done& done) {
      if (++steps_ == kLongWait) enter();
      if (t_seat.worker == Executor::kVisitor) scheduler_.take_number(0);  // it was lent
      if (scheduler_.work_once()) {
        idle_ = 0;
        worked_ = true;
        return;
      }
      if (!should_park()) return;
      const std::uint32_t key = scheduler_.prepare_to_park();
      if (done() || scheduler_.pending())
        scheduler_.do_not_park();
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
    const Sitting sitting_;
    base::WaitScope entry_;
    bool entered_ = false;  // short waits are not: a clock read costs as much as a message
    static constexpr std::uint32_t kLongWait = 1024;  // steps, idle or not
    std::uint32_t steps_ = 0;
    std::uint32_t idle_ = 0;
    std::uint64_t idle_since_ns_ = 0;
    bool worked_ = false;  // since it was last idle
    bool parked_ = false;  // at least once
    std::uint64_t warn_at_ns_;
  };

  void take_number(std::uint32_t home) noexcept;
  std::uint32_t give_number_back() noexcept;
  void work_until_left(std::uint32_t home, const std::function<bool()>& leave) noexcept;
  void one_more_blocks();
  void one_less_blocks() noexcept;
  bool retire() noexcept;
  void stand_in() noexcept;
  bool run_one() noexcept;
  detail::Job* take(std::uint32_t number) noexcept;
  bool has_work(std::uint32_t number) noexcept;
  bool poll() noexcept;
  bool look() noexcept;
  void attend() noexcept;
  bool fire_timers() noexcept;
  void notify_work() noexcept;
  bool look_longer(std::uint32_t looks, std::uint64_t& since_ns) const noexcept;
  void start_searching() noexcept;
  void stop_searching() noexcept;
  static void found_work() noexcept;
  std::uint32_t prepare_to_park() noexcept;
  void do_not_park() noexcept;
  bool park(std::uint32_t key, std::uint64_t deadline_ns) noexcept;
  bool pending() noexcept;
  void run(detail::Job& job) noexcept;
  void run_all_that_is_left() noexcept;
  static constexpr std::uint32_t kBriefLooks = 64;
  static thread_local Seat t_seat __attribute__((tls_model("initial-exec")));
  static thread_local std::uint32_t t_turn __attribute__((tls_model("initial-exec")));
  // Whose network the calling thread looks at just now, for all of its threads.
  static thread_local Scheduler* t_polls_for __attribute__((tls_model("initial-exec")));

  SchedulerOptions options_;
  Timers timers_;
  std::unique_ptr<std::atomic<bool>[]> taken_;  // the numbers of workers; one thread has each
  std::unique_ptr<JobList[]> own_;              // jobs for one number
  alignas(64) std::atomic<std::uint32_t> searching_{0};
  alignas(64) std::atomic<bool> polling_{false};
  std::atomic<bool> looked_{false};  // a thread has, since the helper took this back
  // The time at which some thread that sleeps wakes up for a timer.
  std::atomic<std::uint64_t> alarm_ns_{base::kForever};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> interrupting_{false};  // true: the first caller writes why_interrupted_
  std::atomic<bool> interrupted_{false};   // it is there
  std::function<std::exception_ptr()> why_interrupted_;
  std::vector<std::unique_ptr<base::Thread>> workers_;
  std::unique_ptr<Attendance> attendance_;  // null: only who enters the library attends

  // Tasks that block their thread, and the spare threads that stand in for them.
  base::EventCount blocked_bell_;
  base::EventCount spare_bell_;
  std::atomic<std::uint32_t> blocked_{0};
  std::atomic<std::uint32_t> standing_in_{0};  // spares at work; in the end as many as are blocked
  base::Mutex mutex_;                          // guards what follows
  std::vector<std::uint32_t> calls_;           // for spares: the numbers they stand in for
  std::vector<std::unique_ptr<base::Thread>> spares_;
};

}  // namespace lamellar::engine

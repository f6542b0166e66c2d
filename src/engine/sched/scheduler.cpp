#include "engine/sched/scheduler.hpp"

#include <algorithm>
#include <lamellar/error.hpp>
#include <string>
#include <utility>

#include "base/core/assert.hpp"
#include "base/log/log.hpp"
#include "engine/sched/executors.hpp"
#include "engine/sched/planted.hpp"

namespace lamellar::detail {

constinit thread_local ThreadState t_state __attribute__((tls_model("initial-exec")));

void submit(engine::Scheduler& scheduler, Job& job, Priority priority) noexcept {
  scheduler.submit(job, priority);
}
void descendant_began(engine::Scheduler& scheduler) noexcept { scheduler.descendant_began(); }
void descendant_ended(engine::Scheduler& scheduler) noexcept { scheduler.descendant_ended(); }

}  // namespace lamellar::detail

namespace lamellar::engine {
namespace {

constexpr std::uint32_t kPauses = 16;        // looks with a pause in between, then
constexpr std::uint32_t kYields = 32;        // looks with a yield in between, before parking
constexpr std::uint64_t kSpinNs = 30'000;    // how long to look where every thread has a cpu
constexpr std::uint32_t kSpinsPerClock = 32; // looks between two looks at the clock
constexpr std::uint32_t kEnterAfter = 16;    // empty looks, before a wait is shown to others
constexpr std::uint64_t kLongQueue = 1024;   // jobs; see throttle()
constexpr std::uint64_t kFullQueue = 4096;   // jobs; see submit_or_run()
constexpr std::uint32_t kPollEvery = 16;     // jobs
constexpr std::size_t kMostSpares = 64;

}  // namespace

constinit thread_local Scheduler::Seat Scheduler::t_seat;
constinit thread_local std::uint32_t Scheduler::t_turn = 0;  // over all waits: each may be short
constinit thread_local Scheduler* Scheduler::t_polls_for = nullptr;

Scheduler::Scheduler(SchedulerOptions options)
    : options_(std::move(options)),
      taken_(new std::atomic<bool>[options_.workers + 1]()),
      own_(new JobList[options_.workers + 1]) {
  if (!options_.executor) options_.executor = std::make_unique<WorkStealing>();
}

Scheduler::~Scheduler() { stop(); }

void Scheduler::start() {
  options_.executor->start({options_.workers + 1, [this](detail::Job& job) {
                              run(job);
                              options_.hook->going_idle();  // this thread may not come again
                            }});
  if (options_.stands_in)
    attendance_ = std::make_unique<Attendance>(
        options_.pe, Attendance::Signs{&looked_, options_.doorbell, &searching_}, options_.cpus,
        [this] { attend(); });
  if (attendance_ != nullptr) attendance_->start();  // the duty looks at the pointer
  for (std::uint32_t i = 1; i <= options_.workers; ++i) {
    workers_.push_back(std::make_unique<base::Thread>(
        "lml" + std::to_string(options_.pe) + "." + std::to_string(i - 1),
        [this, i] { work_until_left(i, [this] { return stopping_.load(); }); }));
  }
}

void Scheduler::stop() {
  if (stopping_.exchange(true)) return;
  wake_waiters();
  spare_bell_.notify(INT32_MAX, base::FutexScope::kProcess);
  workers_.clear();
  if (attendance_ != nullptr) attendance_->stop();
  for (;;) {
    std::vector<std::unique_ptr<base::Thread>> spares;
    {
      const base::Lock lock(mutex_);
      spares.swap(spares_);
    }
    if (spares.empty()) break;
  }
  run_all_that_is_left();
  options_.executor->stop();
}

void Scheduler::run_all_that_is_left() noexcept {
  bool any = true;
  while (any) {
    any = timers_.fire(base::kForever - 1);
    for (std::uint32_t i = 0; i <= options_.workers + 1; ++i) {
      const std::uint32_t number = i <= options_.workers ? i : Executor::kVisitor;
      while (detail::Job* const job = take(number)) {
        run(*job);
        any = true;
      }
    }
  }
  options_.hook->going_idle();
}

// --- submitting ----------------------------------------------------------------------------

void Scheduler::submit(detail::Job& job, Priority priority) noexcept {
  options_.executor->submit(job, priority, number_of_this_thread());
  base::sim_point();
  notify_work();
}

void Scheduler::submit_last(detail::Job& job) noexcept {
  options_.executor->submit_last(job, number_of_this_thread());
  base::sim_point();
  notify_work();
}

void Scheduler::submit_to(std::uint32_t number, detail::Job& job) noexcept {
  own_[number].push(job);
  base::sim_point();
  options_.doorbell->notify(INT32_MAX, options_.scope);  // one of them it must be
}

// Pairs with prepare_to_park(): what was submitted is seen by whoever is still looking, or this
// sees a sleeper.
void Scheduler::notify_work() noexcept {
  const int sleepers = options_.executor->wakes();
  if (sleepers == 1 && searching_.load() != 0) return;
  options_.doorbell->notify(sleepers, options_.scope);
}

void Scheduler::submit_or_run(detail::Job& job, Priority priority) noexcept {
  const std::uint32_t number = number_of_this_thread();
  if (number != Executor::kVisitor && detail::t_state.depth - 1 < kDeepest &&
      options_.executor->queued(number) >= kFullQueue)
    return run(job);
  submit(job, priority);
}

void Scheduler::throttle() noexcept {
  if (options_.executor->queued(Executor::kVisitor) < kLongQueue) return;
  while (options_.executor->queued(Executor::kVisitor) > kLongQueue / 2 && run_one()) {
  }
  options_.hook->going_idle();
}

// --- working -------------------------------------------------------------------------------

void Scheduler::run(detail::Job& job) noexcept {
  detail::ThreadState& thread = detail::t_state;
  found_work();
  Engine* const outer_engine = std::exchange(thread.engine, options_.engine);
  Scheduler* const outer = std::exchange(thread.scheduler, this);
  const detail::Inside outside = std::exchange(thread.inside, {});
  ++thread.depth;
  job.run(&job);
  detail::ThreadState& after = detail::t_state;
  --after.depth;
  after.inside = outside;
  after.scheduler = outer;
  after.engine = outer_engine;
}

detail::Job* Scheduler::take(std::uint32_t number) noexcept {
  if (number != Executor::kVisitor)
    if (detail::Job* const job = own_[number].pop()) return job;
  return options_.executor->take(number);
}

bool Scheduler::has_work(std::uint32_t number) noexcept {
  return (number != Executor::kVisitor && own_[number].size() != 0) ||
         options_.executor->has_work(number);
}

bool Scheduler::run_one() noexcept {
  detail::Job* const job = take(number_of_this_thread());
  if (job == nullptr) return false;
  run(*job);
  return true;
}

bool Scheduler::work_once() noexcept {
  const bool network_first = ++t_turn % kPollEvery == 0;
  if (!network_first && run_one()) return true;
  bool news = poll();
  news = fire_timers() || news;
  // Without news there is still no job.
  return ((network_first || news) && run_one()) || news;
}

bool Scheduler::poll() noexcept {
  looked_.store(true, std::memory_order_relaxed);
  return look();
}

// One thread at a time looks at the network; while it runs what it found there, another may.
bool Scheduler::look() noexcept {
  if (options_.workers == 0) return options_.hook->poll();
  if (polling_.load(std::memory_order_relaxed) || polling_.exchange(true)) return false;
  Scheduler* const outer = std::exchange(t_polls_for, this);
  const bool worked = options_.hook->poll();
  if (std::exchange(t_polls_for, outer) == this) polling_.store(false);
  return worked;
}

// Before it is run: the thread may be away for long.
void Scheduler::found_work() noexcept {
  if (t_seat.searching) t_seat.scheduler->stop_searching();
}

void Scheduler::handler_begins() noexcept {
  found_work();
  if (Scheduler* const polled = std::exchange(t_polls_for, nullptr)) polled->polling_.store(false);
}

bool Scheduler::fire_timers() noexcept {
  if (timers_.next_ns() == base::kForever) return false;
  const std::uint64_t now = base::now_ns();
  return timers_.next_ns() <= now && timers_.fire(now);
}

bool Scheduler::pending() noexcept {
  if (g_planted_lost_wake_up.load(std::memory_order_relaxed)) return options_.hook->pending();
  if (t_seat.worker == Executor::kVisitor) take_number(0);  // its jobs may be nobody else's
  return has_work(number_of_this_thread()) || options_.hook->pending();
}

Scheduler::Sitting::Sitting(Scheduler& scheduler, std::uint32_t home) noexcept
    : outer_(t_seat) {
  t_seat = {};
  t_seat.scheduler = &scheduler;
  if (home != Executor::kVisitor) scheduler.take_number(home);
}

Scheduler::Sitting::~Sitting() {
  t_seat.scheduler->give_number_back();
  t_seat = outer_;
}

// Its own if that is free, else another: a number without a thread may have jobs that only it gets.
void Scheduler::take_number(std::uint32_t home) noexcept {
  const std::uint32_t count = options_.workers + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t number = (home + i) % count;
    if (taken_[number].load(std::memory_order_relaxed) || taken_[number].exchange(true)) continue;
    t_seat.worker = number;
    return;
  }
}

std::uint32_t Scheduler::give_number_back() noexcept {
  const std::uint32_t number = std::exchange(t_seat.worker, Executor::kVisitor);
  if (number == Executor::kVisitor) return number;
  taken_[number].store(false);  // pairs with pending()
  if (options_.doorbell->anybody() && has_work(number))  // who takes the number must be awake
    options_.doorbell->notify(own_[number].size() != 0 ? INT32_MAX : options_.executor->wakes(),
                              options_.scope);
  return number;
}

void Scheduler::work_until_left(std::uint32_t home, const std::function<bool()>& leave) noexcept {
  base::set_current_pe_for_log(static_cast<int>(options_.pe));
  const Sitting sitting(*this, home);
  std::uint32_t looks = 0;
  std::uint64_t since_ns = 0;
  while (!leave()) {
    if (t_seat.worker == Executor::kVisitor) take_number(home);  // it was lent
    if (work_once()) {
      looks = 0;
      continue;
    }
    if (looks++ == 0) {
      start_searching();
      options_.hook->going_idle();
      continue;
    }
    if (look_longer(looks, since_ns)) continue;
    const std::uint32_t key = prepare_to_park();
    if (leave() || pending())
      do_not_park();
    else
      park(key, base::kForever);
    looks = 1;
  }
  stop_searching();
  options_.hook->going_idle();
  // It may have been the one sleeper that the doorbell woke.
  options_.doorbell->notify(1, options_.scope);
}

// What the one does that stands in for all threads of the PE while they compute. It has no number:
// a job for one thread waits until that one comes. Its looks do not count as those of the others.
void Scheduler::attend() noexcept {
  base::set_current_pe_for_log(static_cast<int>(options_.pe));
  const Sitting sitting(*this, Executor::kVisitor);
  bool idle = false;
  while (!stopping_.load()) {
    const bool news = look();
    if (fire_timers() || run_one() || news) {
      idle = false;
      continue;
    }
    if (!std::exchange(idle, true)) {
      start_searching();
      options_.hook->going_idle();
      continue;
    }
    if (looked_.load(std::memory_order_relaxed)) break;
    const std::uint32_t key = prepare_to_park();
    if (stopping_.load() || looked_.load(std::memory_order_relaxed) ||
        options_.executor->has_work(Executor::kVisitor) || options_.hook->pending()) {
      do_not_park();
      base::yield_thread();  // who computes may be about to find it
    } else {
      park(key, base::kForever);
    }
  }
  stop_searching();
  options_.hook->going_idle();
  // It may have been the one sleeper that the doorbell woke.
  if (options_.executor->has_work(Executor::kVisitor) || options_.hook->pending())
    options_.doorbell->notify(1, options_.scope);
}

// --- idling --------------------------------------------------------------------------------

bool Scheduler::look_longer(std::uint32_t looks, std::uint64_t& since_ns) const noexcept {
  if (!options_.spins) {
    if (looks > kPauses + kYields) return false;
    looks <= kPauses ? base::spin_pause() : base::yield_thread();
    return true;
  }
  if (looks % kSpinsPerClock == 0) {  // most waits are over before the first
    const std::uint64_t now = base::now_ns();
    if (looks == kSpinsPerClock) since_ns = now;
    if (now - since_ns > kSpinNs) return false;
  }
  base::spin_pause();
  return true;
}

void Scheduler::start_searching() noexcept {
  if (!std::exchange(t_seat.searching, true)) searching_.fetch_add(1);
}

void Scheduler::stop_searching() noexcept {
  if (!std::exchange(t_seat.searching, false) || searching_.fetch_sub(1) != 1) return;
  if (!options_.doorbell->anybody()) return;
  // Nobody looks any more. There may be more work; and who slept with the alarm set may be about to
  // do something long.
  if (timers_.next_ns() < alarm_ns_.load() || options_.executor->has_work(Executor::kVisitor))
    options_.doorbell->notify(options_.executor->wakes(), options_.scope);
}

std::uint32_t Scheduler::prepare_to_park() noexcept {
  base::sim_point();
  const std::uint32_t key = options_.doorbell->prepare();
  t_seat.searching = false;
  searching_.fetch_sub(1);
  base::sim_point();
  return key;
}

void Scheduler::do_not_park() noexcept {
  start_searching();
  options_.doorbell->cancel();
  if (attendance_ != nullptr) attendance_->woke_up();
}

// False: `deadline_ns` has passed.
bool Scheduler::park(std::uint32_t key, std::uint64_t deadline_ns) noexcept {
  std::uint64_t next = timers_.next_ns();
  std::uint64_t alarm = alarm_ns_.load();
  bool mine = false;
  while (next < alarm && !mine) mine = alarm_ns_.compare_exchange_weak(alarm, next);
  const std::uint64_t until =
      std::min({mine ? next : deadline_ns, deadline_ns, options_.hook->look_again_ns()});
  const bool woken = options_.doorbell->commit(key, until, options_.scope);
  if (mine) alarm_ns_.compare_exchange_strong(next, base::kForever);
  start_searching();
  if (attendance_ != nullptr) attendance_->woke_up();
  return woken || until != deadline_ns;
}

void Scheduler::timer_moved(std::uint64_t deadline_ns) noexcept {
  if (deadline_ns < alarm_ns_.load()) options_.doorbell->notify(1, options_.scope);
}

void Scheduler::wake_waiters() noexcept {
  options_.doorbell->notify(INT32_MAX, options_.scope);
  blocked_bell_.notify(INT32_MAX, base::FutexScope::kProcess);
}

void Scheduler::interrupt(const std::function<std::exception_ptr()>& make) noexcept {
  if (interrupting_.exchange(true)) return;
  why_interrupted_ = make;
  interrupted_.store(true);  // pairs with FutureCore::block_until_ready()
  wake_waiters();
}

namespace {

[[noreturn]] void refuse(const char* inside, const detail::WaitLabel& label,
                         std::source_location where) {
  throw WouldDeadlock(std::string("a blocking wait for ") + label.what + " was asked for inside " +
                      inside + " (" + where.file_name() + ":" + std::to_string(where.line()) +
                      "), where it could stop the world; " + label.instead +
                      " there, in a coroutine exec");
}

}  // namespace

void Scheduler::refuse_inside_task(const detail::WaitLabel& label, std::source_location where) {
  if (inside_task()) refuse("a task or an active message's exec", label, where);
}

void Scheduler::refuse_inside_handler(const detail::WaitLabel& label,
                                      std::source_location where) {
  if (detail::t_state.inside.handler)
    refuse("an active message's exec, while others wait behind it in its frame", label, where);
}

void Scheduler::unseen_failure(std::exception_ptr error) noexcept {
  if (options_.unseen_failure) options_.unseen_failure(std::move(error));
}

// --- waiting -------------------------------------------------------------------------------

Scheduler::Waiting::Waiting(Scheduler& scheduler, const detail::WaitLabel& label,
                            std::source_location where)
    : scheduler_(scheduler),
      label_(label),
      where_(where),
      sitting_(scheduler, 0),
      warn_at_ns_(base::kForever) {}

void Scheduler::Waiting::enter() noexcept {
  if (std::exchange(entered_, true)) return;
  entry_ = base::WaitScope(
      {label_.what, scheduler_.pe(), label_.peer, label_.sequence, where_});
  if (scheduler_.options_.warn_after_s > 0)
    warn_at_ns_ =
        base::now_ns() + static_cast<std::uint64_t>(scheduler_.options_.warn_after_s * 1e9);
}

Scheduler::Waiting::~Waiting() {
  // What this thread did for others while it waited must not stay behind while it computes.
  if (worked_) scheduler_.options_.hook->going_idle();
  scheduler_.stop_searching();
  // It may have been the one sleeper that the doorbell woke, and leaves without looking.
  if (parked_ && scheduler_.pending())
    scheduler_.options_.doorbell->notify(1, scheduler_.options_.scope);
}

bool Scheduler::Waiting::should_park() noexcept {
  if (idle_++ == 0) {
    worked_ = false;
    scheduler_.start_searching();
    scheduler_.options_.hook->going_idle();
    return false;
  }
  if (idle_ == kEnterAfter) enter();
  if (scheduler_.look_longer(idle_, idle_since_ns_)) return false;
  enter();
  return true;
}

void Scheduler::Waiting::park(std::uint32_t key) noexcept {
  idle_ = 1;
  parked_ = true;
  if (scheduler_.park(key, warn_at_ns_)) return;
  warn_at_ns_ = base::kForever;
  LAMELLAR_LOG_WARN("a wait lasts longer than {} s (LAMELLAR_DEADLOCK_WARNING_TIMEOUT)",
                    scheduler_.options_.warn_after_s);
  base::dump_waits(2);
}

// --- blocking inside a task ----------------------------------------------------------------

void Scheduler::block_inside_task(const std::function<bool()>& done,
                                  const detail::WaitLabel& label, std::source_location where) {
  options_.hook->going_idle();
  const base::WaitScope entry({label.what, pe(), label.peer, label.sequence, where});
  std::uint32_t looks = 1;
  std::uint64_t since_ns = 0;
  while (!done()) {
    if (detail::t_state.depth <= kDeepest && poll())
      looks = 1;
    else if (!look_longer(++looks, since_ns))
      break;
  }
  // What this thread did for others meanwhile must not stay behind.
  options_.hook->going_idle();
  if (done()) return;
  Scheduler* const mine = t_seat.scheduler != nullptr ? t_seat.scheduler : this;
  mine->one_more_blocks();
  while (!done()) {
    const std::uint32_t key = blocked_bell_.prepare();
    if (done())
      blocked_bell_.cancel();
    else
      blocked_bell_.commit(key, base::kForever, base::FutexScope::kProcess);
  }
  mine->one_less_blocks();
}

// The calling thread stops working; a spare goes on with its work, also with what is in its queue.
void Scheduler::one_more_blocks() {
  bool calls = false;
  {
    const base::Lock lock(mutex_);
    if (blocked_.load() == kMostSpares || stopping_.load())
      throw DeadlockSuspected(std::to_string(blocked_.load() + 1) +
                              " tasks and active messages of PE " + std::to_string(pe()) +
                              " block their threads at the same time, and no further thread stands "
                              "in; most likely they wait for each other. Use co_await there. " +
                              base::describe_waits());
    blocked_.fetch_add(1);
    if (standing_in_.load() < blocked_.load()) {
      standing_in_.fetch_add(1);
      calls = true;
      calls_.push_back(give_number_back());
      if (spares_.size() < blocked_.load())
        spares_.push_back(std::make_unique<base::Thread>(
            "lml" + std::to_string(options_.pe) + ".spare", [this] { stand_in(); }));
    }
  }
  if (!calls) give_number_back();
  spare_bell_.notify(1, base::FutexScope::kProcess);
}

void Scheduler::one_less_blocks() noexcept {
  blocked_.fetch_sub(1);
  wake_waiters();  // a spare that sleeps retires
}

// Whether the calling spare is one too many.
bool Scheduler::retire() noexcept {
  std::uint32_t working = standing_in_.load();
  while (working > blocked_.load())
    if (standing_in_.compare_exchange_weak(working, working - 1)) return true;
  return false;
}

void Scheduler::stand_in() noexcept {
  while (!stopping_.load()) {
    const std::uint32_t key = spare_bell_.prepare();
    bool called = false;
    std::uint32_t home = 0;
    {
      const base::Lock lock(mutex_);
      called = !calls_.empty();
      if (called) {
        if (calls_.back() != Executor::kVisitor) home = calls_.back();
        calls_.pop_back();
      }
    }
    if (!called && !stopping_.load()) {
      spare_bell_.commit(key, base::kForever, base::FutexScope::kProcess);
      continue;
    }
    spare_bell_.cancel();
    bool retired = false;  // asked again, the answer is the same
    if (called)
      work_until_left(home, [&] { return stopping_.load() || (retired = retired || retire()); });
  }
}

}  // namespace lamellar::engine

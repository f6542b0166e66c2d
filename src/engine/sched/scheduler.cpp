#include "engine/sched/scheduler.hpp"

#include <lamellar/error.hpp>
#include <string>
#include <utility>

#include "base/core/assert.hpp"
#include "base/log/log.hpp"

namespace lamellar::detail {

constinit thread_local ThreadState t_state __attribute__((tls_model("initial-exec")));

void submit(engine::Scheduler& scheduler, Job& job) noexcept { scheduler.submit(job); }
bool withdraw(engine::Scheduler& scheduler, Job& job) noexcept { return scheduler.withdraw(job); }

}  // namespace lamellar::detail

namespace lamellar::engine {
namespace {

constexpr std::uint32_t kYields = 32;  // looks with a yield in between, before parking
constexpr std::uint32_t kEnterAfter = 16;  // empty looks, before a wait is shown to others
constexpr std::uint64_t kLongQueue = 1024;  // jobs; see throttle()

}  // namespace

Scheduler::Scheduler(SchedulerOptions options) : options_(std::move(options)) {}

Scheduler::~Scheduler() { stop(); }

void Scheduler::start() {
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    workers_.push_back(std::make_unique<base::Thread>(
        "lml" + std::to_string(options_.pe) + "." + std::to_string(i), [this] { worker(); }));
  }
}

void Scheduler::stop() {
  stopping_.store(true);
  wake_waiters();
  workers_.clear();
  while (detail::Job* job = pop()) run(*job);
}

void Scheduler::submit(detail::Job& job) noexcept {
  {
    base::Lock lock(mutex_);
    job.next = nullptr;
    job.previous = tail_;
    (tail_ != nullptr ? tail_->next : head_) = &job;
    tail_ = &job;
    queued_.fetch_add(1);  // pairs with the look of Waiting::step before it parks
  }
  base::sim_point();
  options_.doorbell->notify(1, options_.scope);
}

detail::Job* Scheduler::pop() noexcept {
  if (queued_.load(std::memory_order_relaxed) == 0) return nullptr;
  base::Lock lock(mutex_);
  detail::Job* const job = head_;
  if (job == nullptr) return nullptr;
  head_ = job->next;
  (head_ != nullptr ? head_->previous : tail_) = nullptr;
  job->next = job->previous = nullptr;
  queued_.fetch_sub(1);
  return job;
}

bool Scheduler::withdraw(detail::Job& job) noexcept {
  base::Lock lock(mutex_);
  detail::Job* at = head_;
  while (at != nullptr && at != &job) at = at->next;
  if (at == nullptr) return false;
  (job.previous != nullptr ? job.previous->next : head_) = job.next;
  (job.next != nullptr ? job.next->previous : tail_) = job.previous;
  queued_.fetch_sub(1);
  return true;
}

void Scheduler::run(detail::Job& job) noexcept {
  Engine* const outer = std::exchange(detail::t_state.engine, options_.engine);
  ++detail::t_state.depth;
  job.run(&job);
  --detail::t_state.depth;
  detail::t_state.engine = outer;
}

void Scheduler::throttle() noexcept {
  if (queued_.load(std::memory_order_relaxed) < kLongQueue || detail::t_state.depth != 0) return;
  while (queued_.load(std::memory_order_relaxed) > kLongQueue / 2) {
    detail::Job* const job = pop();
    if (job == nullptr) return;
    run(*job);
  }
}

bool Scheduler::work_once() noexcept {
  bool worked = options_.hook->poll();
  if (detail::Job* job = pop()) {
    run(*job);
    worked = true;
  }
  return worked;
}

void Scheduler::worker() noexcept {
  base::set_current_pe_for_log(static_cast<int>(options_.pe));
  std::uint32_t idle = 0;
  while (!stopping_.load()) {
    if (work_once()) {
      idle = 0;
      continue;
    }
    if (idle++ == 0) options_.hook->going_idle();
    if (idle <= options_.spins) {
      base::spin_pause();
    } else if (idle <= options_.spins + kYields) {
      base::yield_thread();
    } else {
      const std::uint32_t key = options_.doorbell->prepare();
      if (stopping_.load() || pending())
        options_.doorbell->cancel();
      else
        options_.doorbell->commit(key, base::kForever, options_.scope);
      idle = 1;
    }
  }
  options_.hook->going_idle();
}

void Scheduler::wake_waiters() noexcept { options_.doorbell->notify(INT32_MAX, options_.scope); }

void Scheduler::interrupt(const std::function<std::exception_ptr()>& make) noexcept {
  if (interrupting_.exchange(true)) return;
  why_interrupted_ = make;
  interrupted_.store(true);  // pairs with FutureCore::block()
  wake_waiters();
}

void Scheduler::refuse_inside_task(const detail::WaitLabel& label, std::source_location where) {
  if (detail::t_state.depth == 0) return;
  throw WouldDeadlock(std::string("a blocking wait for ") + label.what +
                      " was asked for inside a task or an active message's exec (" +
                      where.file_name() + ":" + std::to_string(where.line()) +
                      "), where it could stop the world; " + label.instead +
                      " there, in a coroutine exec");
}

void Scheduler::unseen_failure(std::exception_ptr error) noexcept {
  if (options_.unseen_failure) options_.unseen_failure(std::move(error));
}

Scheduler::Waiting::Waiting(Scheduler& scheduler, const detail::WaitLabel& label,
                            std::source_location where)
    : scheduler_(scheduler), label_(label), where_(where), warn_at_ns_(base::kForever) {
  scheduler_.options_.hook->going_idle();
}

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
  // It may have been the one sleeper that the doorbell woke, and leaves without looking.
  if (parked_ && scheduler_.pending())
    scheduler_.options_.doorbell->notify(1, scheduler_.options_.scope);
}

bool Scheduler::Waiting::should_park() noexcept {
  if (idle_++ == 0) {
    worked_ = false;
    scheduler_.options_.hook->going_idle();
  }
  const std::uint32_t spins = scheduler_.options_.spins;
  if (idle_ == kEnterAfter) enter();
  if (idle_ > spins + kYields) {
    enter();
    return true;
  }
  idle_ <= spins ? base::spin_pause() : base::yield_thread();
  return false;
}

void Scheduler::Waiting::park(std::uint32_t key) noexcept {
  idle_ = 1;
  parked_ = true;
  if (scheduler_.options_.doorbell->commit(key, warn_at_ns_, scheduler_.options_.scope)) return;
  warn_at_ns_ = base::kForever;
  LAMELLAR_LOG_WARN("a wait lasts longer than {} s (LAMELLAR_DEADLOCK_WARNING_TIMEOUT)",
                    scheduler_.options_.warn_after_s);
  base::dump_waits(2);
}

}  // namespace lamellar::engine

#pragma once
// Where jobs wait and who runs them: a policy that a world is given (LAMELLAR_EXECUTOR,
// WorldBuilder::executor).

#include <cstdint>
#include <functional>
#include <memory>

#include <lamellar/detail/job.hpp>
#include <lamellar/export.hpp>

namespace lamellar {

// One unit of work. Run once, through Executor::Crew or by the thread that took it. Its `next` is
// the executor's while it has the job.
using Job = detail::Job;

// Queues jobs and gives them to the workers of one PE, or runs them on threads of its own.
// Rules that every executor keeps:
// every job that was submitted is given out once, also when it was submitted after the last worker
// asked; no priority starves; submit() neither blocks nor throws.
class LAMELLAR_API Executor {
 public:
  // A thread that is no worker of this executor (it may submit, and take while it waits).
  static constexpr std::uint32_t kVisitor = ~std::uint32_t{0};

  // The other side: what the world gives to its executor. LIFETIME: from start() to stop().
  struct Crew {
    std::uint32_t workers = 1;  // numbered from 0; 0 is a thread of the user's while it waits
    // Runs a job. For executors with threads of their own. THREADS: any.
    std::function<void(Job&)> run;
  };

  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor();

  // Before the first job. BLOCKS: may.
  virtual void start(const Crew& crew) = 0;
  // After the last job was taken or run. BLOCKS: until threads of its own have ended.
  virtual void stop() noexcept {}

  // `worker`: number of the calling thread, or kVisitor. THREADS: any. BLOCKS: never for long.
  // The job must be visible to has_work() (seq_cst) when it returns.
  virtual void submit(Job& job, Priority priority, std::uint32_t worker) noexcept = 0;
  // Behind everything that was submitted before, as far as this executor has an order.
  virtual void submit_last(Job& job, std::uint32_t worker) noexcept {
    submit(job, Priority::kNormal, worker);
  }
  // The next job for `worker`, or null. THREADS: any; one at a time per worker, kVisitor apart.
  virtual Job* take(std::uint32_t worker) noexcept = 0;
  // Whether take() might find something (seq_cst); asked before a worker sleeps. THREADS: any.
  virtual bool has_work(std::uint32_t worker) noexcept = 0;
  // Jobs that wait, as far as is known at no cost, for back-pressure: those `worker` would have to
  // take itself, for kVisitor those that any would. Too few, or 0, is a fair answer; too many is
  // none: whoever hears of many submits nothing for so long. THREADS: that worker.
  virtual std::uint64_t queued(std::uint32_t /*worker*/) const noexcept { return 0; }
  // Sleeping workers that have to be woken for one job: 1 where every worker may take it.
  virtual int wakes() const noexcept { return 1; }
};

}  // namespace lamellar

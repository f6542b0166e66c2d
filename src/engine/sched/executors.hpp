#pragma once
// The executors that come with the library.
#include <memory>
#include <string>
#include <vector>

#include <lamellar/executor.hpp>

#include "base/clock/rng.hpp"
#include "engine/sched/deque.hpp"
#include "engine/sched/job_list.hpp"

namespace lamellar::engine {

// One deque per worker, newest first; a worker without work takes from the injector (what other
// threads submitted, oldest first), then steals. Now and then it looks at the injector and the low
// lane first, so that nothing starves there.
class WorkStealing final : public Executor {
 public:
  void start(const Crew& crew) override;
  void submit(Job& job, Priority priority, std::uint32_t worker) noexcept override;
  void submit_last(Job& job, std::uint32_t worker) noexcept override;
  Job* take(std::uint32_t worker) noexcept override;
  bool has_work(std::uint32_t worker) noexcept override;
  std::uint64_t queued(std::uint32_t worker) const noexcept override {
    return worker == kVisitor ? injector_.size() : workers_[worker]->deque.length_at_most();
  }

 private:
  struct alignas(64) Worker {
    Deque deque;
    std::uint32_t turn = 0;
    base::Rng rng{1};
  };
  Job* take_in_turn(Worker& me) noexcept;
  Job* take_shared(Worker& me) noexcept;
  Job* steal(Worker* me, std::uint32_t self) noexcept;

  std::vector<std::unique_ptr<Worker>> workers_;
  JobList high_;
  JobList injector_;
  JobList low_;
};

// All jobs in the order they came, whatever their priority.
class Fifo final : public Executor {
 public:
  void start(const Crew&) override {}
  void submit(Job& job, Priority, std::uint32_t) noexcept override { jobs_.push(job); }
  Job* take(std::uint32_t) noexcept override { return jobs_.pop(); }
  bool has_work(std::uint32_t) noexcept override { return jobs_.size() != 0; }
  std::uint64_t queued(std::uint32_t) const noexcept override { return jobs_.size(); }

 private:
  JobList jobs_;
};

// High before normal before low, in each the order they came; every so often the other way round.
class ByPriority final : public Executor {
 public:
  void start(const Crew&) override {}
  void submit(Job& job, Priority priority, std::uint32_t) noexcept override {
    lanes_[static_cast<std::size_t>(priority)].push(job);
  }
  Job* take(std::uint32_t) noexcept override;
  bool has_work(std::uint32_t worker) noexcept override;
  std::uint64_t queued(std::uint32_t) const noexcept override { return lanes_[1].size(); }

 private:
  JobList lanes_[3];
  std::atomic<std::uint32_t> turn_{0};
};

// All jobs on one worker, in the order they came: the last one, so that the others can wait.
class OneThread final : public Executor {
 public:
  void start(const Crew& crew) override { worker_ = crew.workers - 1; }
  void submit(Job& job, Priority, std::uint32_t) noexcept override { jobs_.push(job); }
  Job* take(std::uint32_t worker) noexcept override {
    return worker == worker_ ? jobs_.pop() : nullptr;
  }
  bool has_work(std::uint32_t worker) noexcept override {
    return worker == worker_ && jobs_.size() != 0;
  }
  int wakes() const noexcept override { return INT32_MAX; }

 private:
  std::uint32_t worker_ = 0;
  JobList jobs_;
};

// By the name in LAMELLAR_EXECUTOR. ERRORS: ConfigError with the names there are.
std::unique_ptr<Executor> make_executor(const std::string& name);

// Jobs run on oneTBB's threads. Null when built without it.
std::unique_ptr<Executor> make_tbb_executor();

}  // namespace lamellar::engine

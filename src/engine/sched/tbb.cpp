#include "engine/sched/executors.hpp"

#ifdef LAMELLAR_HAS_TBB
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#endif

namespace lamellar::engine {

#ifdef LAMELLAR_HAS_TBB
namespace {

// Jobs run on oneTBB's threads. They wait here, and oneTBB gets a ticket for each: so those of ours
// that have nothing to do run some, too, also where tasks block all of oneTBB's, which the whole
// process shares.
class OnTbb final : public Executor {
 public:
  OnTbb() = default;
  ~OnTbb() noexcept override = default;
  void start(const Crew& crew) override {
    crew_ = crew;
    arena_.initialize(static_cast<int>(crew.workers), 0);
  }
  void stop() noexcept override {
    if (arena_.is_active()) arena_.execute([this] { tickets_.wait(); });
  }
  void submit(Job& job, Priority, std::uint32_t) noexcept override {
    jobs_.push(job);
    arena_.enqueue(tickets_.defer([this] {
      if (Job* const next = jobs_.pop()) crew_.run(*next);
    }));
  }
  Job* take(std::uint32_t) noexcept override { return jobs_.pop(); }
  bool has_work(std::uint32_t) noexcept override { return jobs_.size() != 0; }
  std::uint64_t queued(std::uint32_t) const noexcept override { return jobs_.size(); }

 private:
  Crew crew_;
  JobList jobs_;
  tbb::task_arena arena_;
  tbb::task_group tickets_;
};

}  // namespace

std::unique_ptr<Executor> make_tbb_executor() { return std::make_unique<OnTbb>(); }
#else
std::unique_ptr<Executor> make_tbb_executor() { return nullptr; }
#endif

}  // namespace lamellar::engine

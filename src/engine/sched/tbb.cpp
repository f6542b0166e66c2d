#include "engine/sched/executors.hpp"

#ifdef LAMELLAR_HAS_TBB
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#endif

namespace lamellar::engine {

#ifdef LAMELLAR_HAS_TBB
namespace {

// Jobs run on oneTBB's threads, as many as there are workers; those of ours look at the network.
class OnTbb final : public Executor {
 public:
  OnTbb() = default;
  ~OnTbb() noexcept override = default;
  void start(const Crew& crew) override {
    crew_ = crew;
    arena_.initialize(static_cast<int>(crew.workers), 0);
  }
  void stop() noexcept override {
    if (arena_.is_active()) arena_.execute([this] { jobs_.wait(); });
  }
  void submit(Job& job, Priority, std::uint32_t) noexcept override {
    arena_.enqueue(jobs_.defer([this, &job] { crew_.run(job); }));
  }
  Job* take(std::uint32_t) noexcept override { return nullptr; }
  bool has_work(std::uint32_t) noexcept override { return false; }
  int wakes() const noexcept override { return 0; }

 private:
  Crew crew_;
  tbb::task_arena arena_;
  tbb::task_group jobs_;
};

}  // namespace

std::unique_ptr<Executor> make_tbb_executor() { return std::make_unique<OnTbb>(); }
#else
std::unique_ptr<Executor> make_tbb_executor() { return nullptr; }
#endif

}  // namespace lamellar::engine

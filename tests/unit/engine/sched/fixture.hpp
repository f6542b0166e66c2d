#pragma once
// A scheduler without a network.

#include <lamellar/task.hpp>

#include "engine/sched/scheduler.hpp"

namespace sched_test {

namespace engine = lamellar::engine;
namespace base = lamellar::base;
namespace detail = lamellar::detail;

// Nothing ever arrives; counts how often it is asked.
class Silence final : public engine::IdleHook {
 public:
  bool poll() noexcept override {
    ++polls;
    return false;
  }
  void going_idle() noexcept override { ++idles; }
  bool pending() noexcept override { return false; }
  void descendant_began() noexcept override { ++began; }
  void descendant_ended() noexcept override { ++ended; }
  std::atomic<std::uint64_t> polls{0};
  std::atomic<std::uint64_t> idles{0};
  std::atomic<std::uint64_t> began{0};
  std::atomic<std::uint64_t> ended{0};
};

struct House {
  explicit House(std::uint32_t workers, bool spins = false,
                 std::unique_ptr<lamellar::Executor> executor = nullptr, bool stands_in = false)
      : scheduler([&] {
          engine::SchedulerOptions options;
          options.pe = 7;
          options.workers = workers;
          options.spins = spins;
          options.doorbell = &doorbell;
          options.hook = &hook;
          options.executor = std::move(executor);
          options.stands_in = stands_in;
          options.unseen_failure = [this](std::exception_ptr) { ++unseen; };
          return options;
        }()) {
    scheduler.start();
  }
  Silence hook;
  base::EventCount doorbell;
  std::atomic<int> unseen{0};
  engine::Scheduler scheduler;
};

struct CountJob : detail::Job {
  explicit CountJob(std::atomic<int>& its_count)
      : Job([](Job* job) noexcept { ++static_cast<CountJob*>(job)->count; }), count(its_count) {}
  std::atomic<int>& count;
};

inline constexpr detail::WaitLabel kLabel{"a test", "co_await it"};

// This thread works until `done`; somebody rings when it may have become true.
template <class Done>
void work_until(House& house, Done done) {
  house.scheduler.work_until(done, kLabel, std::source_location::current());
}

}  // namespace sched_test

#include "engine/sched/executors.hpp"

#include <algorithm>
#include <iterator>
#include <lamellar/error.hpp>

namespace lamellar {

Executor::~Executor() = default;

}  // namespace lamellar

namespace lamellar::engine {
namespace {

constexpr std::uint32_t kTurn = 64;  // jobs, after which lanes that have to wait come first

}  // namespace

void WorkStealing::start(const Crew& crew) {
  for (std::uint32_t i = 0; i < crew.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->rng = base::Rng(i + 1);
  }
}

void WorkStealing::submit(Job& job, Priority priority, std::uint32_t worker) noexcept {
  if (priority == Priority::kHigh) return high_.push(job);
  if (priority == Priority::kLow) return low_.push(job);
  if (worker == kVisitor) return injector_.push(job);
  workers_[worker]->deque.push(&job);
}

void WorkStealing::submit_last(Job& job, std::uint32_t) noexcept { injector_.push(job); }

// What would wait for ever behind newer work, or behind that of higher priority.
Job* WorkStealing::take_in_turn(Worker& me) noexcept {
  const std::uint32_t round = me.turn / kTurn;
  if (round % 4 == 0)
    if (Job* const job = low_.pop()) return job;
  if (round % 2 == 0)
    if (Job* const job = injector_.pop()) return job;
  Deque::Loot oldest;
  const std::uint32_t got = me.deque.steal(oldest);
  if (got > 1) me.deque.push(oldest.data() + 1, got - 1);
  return got != 0 ? oldest[0] : injector_.pop();
}

Job* WorkStealing::take(std::uint32_t worker) noexcept {
  if (worker == kVisitor) {
    if (Job* const job = high_.pop()) return job;
    if (Job* const job = injector_.pop()) return job;
    if (Job* const job = steal(nullptr, worker)) return job;
    return low_.pop();
  }
  Worker& me = *workers_[worker];
  if (++me.turn % kTurn == 0)
    if (Job* const job = take_in_turn(me)) return job;
  if (Job* const job = high_.pop()) return job;
  if (Job* const job = me.deque.pop()) return job;
  if (Job* const job = take_shared(me)) return job;
  if (Job* const job = steal(&me, worker)) return job;
  return low_.pop();
}

// A batch of the injector, oldest first: what is left of it lies in the deque, stealable.
Job* WorkStealing::take_shared(Worker& me) noexcept {
  Deque::Loot batch;
  std::uint32_t count = 0;
  injector_.take(Deque::kBatch, workers_.size() > 1, [&](Job* job) { batch[count++] = job; });
  if (count == 0) return nullptr;
  std::reverse(batch.begin(), batch.begin() + count);
  if (count > 1) me.deque.push(batch.data(), count - 1);
  return batch[count - 1];
}

Job* WorkStealing::steal(Worker* me, std::uint32_t self) noexcept {
  const auto count = static_cast<std::uint32_t>(workers_.size());
  if (count == 1 && me != nullptr) return nullptr;
  const std::uint64_t first = me != nullptr ? me->rng.next() : 0;
  Deque::Loot loot;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto victim = static_cast<std::uint32_t>((first + i) % count);
    if (victim == self) continue;
    const std::uint32_t got = workers_[victim]->deque.steal(loot);
    if (got == 0) continue;
    if (me != nullptr) {
      if (got > 1) me->deque.push(loot.data() + 1, got - 1);
    } else {
      for (std::uint32_t k = 1; k < got; ++k) injector_.push(*loot[k]);
    }
    return loot[0];
  }
  return nullptr;
}

bool WorkStealing::has_work(std::uint32_t) noexcept {
  if (high_.size() != 0 || injector_.size() != 0 || low_.size() != 0) return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return !worker->deque.empty(); });
}

Job* ByPriority::take(std::uint32_t) noexcept {
  const bool other_way = turn_.fetch_add(1, std::memory_order_relaxed) % kTurn == kTurn - 1;
  for (std::size_t i = 0; i < 3; ++i)
    if (Job* const job = lanes_[other_way ? 2 - i : i].pop()) return job;
  return nullptr;
}

bool ByPriority::has_work(std::uint32_t) noexcept {
  return std::any_of(std::begin(lanes_), std::end(lanes_),
                     [](const JobList& lane) { return lane.size() != 0; });
}

std::unique_ptr<Executor> make_executor(const std::string& name) {
  if (name == "stealing") return std::make_unique<WorkStealing>();
  if (name == "fifo") return std::make_unique<Fifo>();
  if (name == "priority") return std::make_unique<ByPriority>();
  if (name == "single") return std::make_unique<OneThread>();
  if (name == "tbb") {
    if (auto executor = make_tbb_executor()) return executor;
    throw ConfigError("LAMELLAR_EXECUTOR=tbb, but this liblamellar was built without oneTBB "
                      "(libtbb-dev); others are stealing, fifo, priority, single");
  }
  throw ConfigError("LAMELLAR_EXECUTOR is '" + name +
                    "'; allowed are stealing, fifo, priority, single, tbb");
}

}  // namespace lamellar::engine

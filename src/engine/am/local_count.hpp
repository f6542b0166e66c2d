#pragma once
// How many own-PE messages (or tasks) began and ended, counted by each worker for itself: one
// shared counter would bounce between them with every small task.
#include <atomic>
#include <cstdint>
#include <memory>

namespace lamellar::engine {

class LocalCount {
 public:
  explicit LocalCount(std::uint32_t workers) : workers_(workers), shards_(new Shard[workers + 1]) {}

  // `worker`: the number the calling thread has (nobody else has it), or none (any larger one).
  void began(std::uint32_t worker) noexcept { add(&Shard::began, worker); }
  void ended(std::uint32_t worker) noexcept { add(&Shard::ended, worker); }

  // Of all threads. Who asks first for those that ended, then for those that began, and gets the
  // same number, knows that there was a moment in between at which nothing was under way.
  std::uint64_t all_began() const noexcept { return sum(&Shard::began); }
  std::uint64_t all_ended() const noexcept { return sum(&Shard::ended); }

 private:
  struct alignas(64) Shard {
    std::atomic<std::uint64_t> began{0};
    std::atomic<std::uint64_t> ended{0};
  };
  using Counter = std::atomic<std::uint64_t> Shard::*;

  void add(Counter counter, std::uint32_t worker) noexcept {
    if (worker >= workers_) {
      (shards_[workers_].*counter).fetch_add(1);
      return;
    }
    std::atomic<std::uint64_t>& mine = shards_[worker].*counter;
    mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  std::uint64_t sum(Counter counter) const noexcept {
    std::uint64_t all = 0;
    for (std::uint32_t i = 0; i <= workers_; ++i) all += (shards_[i].*counter).load();
    return all;
  }

  const std::uint32_t workers_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace lamellar::engine

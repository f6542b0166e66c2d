#pragma once
// The queue of one worker: its owner pushes and pops at the bottom, newest first; others steal at
// the top, oldest first, several at once.
//
// After Chase, Lev, "Dynamic circular work-stealing deque" (SPAA 2005), with sequentially
// consistent operations instead of fences. New is the stealing of several: the owner pops without
// a compare-and-swap only what lies kBatch or more above the top, where no thief can reach. When it
// comes nearer it takes the oldest itself, once: that foils every thief that saw a longer deque,
// and from then on they take one at a time, as in the original, until it was long again.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <lamellar/detail/job.hpp>

#include "base/clock/futex.hpp"
#include "engine/sched/planted.hpp"

namespace lamellar::engine {

// Batch: most that one steal takes.
template <std::uint32_t Batch>
class BasicDeque {
 public:
  static constexpr std::uint32_t kBatch = Batch;
  using Loot = std::array<detail::Job*, kBatch>;

  BasicDeque() { grow_to(256); }
  BasicDeque(const BasicDeque&) = delete;
  BasicDeque& operator=(const BasicDeque&) = delete;

  // THREADS: the owner.
  void push(detail::Job* job) noexcept { push(&job, 1); }
  void push(detail::Job* const* jobs, std::uint32_t count) noexcept {
    const std::uint64_t bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom + count - seen_top_ > kBatch) {
      seen_top_ = top_.load(std::memory_order_acquire);
      if (bottom + count - seen_top_ > kBatch) long_ = true;
      while (bottom + count - seen_top_ > ring_->mask + 1) grow_to(2 * (ring_->mask + 1));
    }
    for (std::uint32_t i = 0; i < count; ++i)
      ring_->at(bottom + i).store(jobs[i], std::memory_order_relaxed);
    base::sim_point();
    bottom_.store(bottom + count);  // pairs with steal(), and with who looks before it sleeps
  }

  // The newest, or null. THREADS: the owner.
  detail::Job* pop() noexcept {
    const std::uint64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    if (top_.load(std::memory_order_relaxed) > bottom) return nullptr;
    bottom_.store(bottom);
    base::sim_point();
    std::uint64_t top = seen_top_ = top_.load();
    if (long_ && top + kBatch > bottom) {
      bottom_.store(bottom + 1);
      return take_oldest(top, bottom);
    }
    if (top > bottom) {
      bottom_.store(bottom + 1);
      return nullptr;
    }
    detail::Job* job = ring_->at(bottom).load(std::memory_order_relaxed);
    if (top < bottom) {
      __builtin_prefetch(ring_->at(bottom - 1).load(std::memory_order_relaxed));
      return job;
    }
    // The last one: thieves want it, too.
    if (!top_.compare_exchange_strong(top, top + 1)) job = nullptr;
    bottom_.store(bottom + 1);
    return job;
  }

  // Takes the oldest, at most half of a long deque; how many. 0: empty, or another was faster.
  // THREADS: any.
  std::uint32_t steal(Loot& loot) noexcept {
    std::uint64_t top = top_.load();
    base::sim_point();
    const std::uint64_t bottom = bottom_.load();
    if (top >= bottom) return 0;
    const std::uint64_t length = bottom - top;
    const std::uint64_t count = length > kBatch ? std::min<std::uint64_t>(length / 2, kBatch) : 1;
    Ring& ring = *shared_ring_.load(std::memory_order_acquire);
    for (std::uint64_t i = 0; i < count; ++i)
      loot[i] = ring.at(top + i).load(std::memory_order_relaxed);
    base::sim_point();
    const bool mine = top_.compare_exchange_strong(top, top + count);
    return mine ? static_cast<std::uint32_t>(count) : 0;
  }

  // Never more than a moment ago when it is long; of a short one thieves may have taken some since
  // the owner's last look. THREADS: the owner.
  std::uint64_t length_at_most() noexcept {
    const std::uint64_t bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom - seen_top_ > kBatch) seen_top_ = top_.load(std::memory_order_acquire);
    return bottom - seen_top_;
  }

  // A look (seq_cst). THREADS: any.
  bool empty() const noexcept { return top_.load() >= bottom_.load(); }

 private:
  struct Ring {
    explicit Ring(std::uint64_t size)
        : mask(size - 1), slots(new std::atomic<detail::Job*>[size]) {}
    std::atomic<detail::Job*>& at(std::uint64_t index) noexcept { return slots[index & mask]; }
    std::uint64_t mask;
    std::unique_ptr<std::atomic<detail::Job*>[]> slots;
  };

  // Whoever it is that takes the oldest now, all who saw a longer deque are foiled.
  detail::Job* take_oldest(std::uint64_t top, std::uint64_t last) noexcept {
    long_ = false;
    if (top <= last && !g_planted_double_pop.load(std::memory_order_relaxed)) {
      detail::Job* const job = ring_->at(top).load(std::memory_order_relaxed);
      if (top_.compare_exchange_strong(top, top + 1)) return job;
    }
    return pop();
  }

  // Thieves may still read the old ring: it is kept.
  void grow_to(std::uint64_t size) {
    auto ring = std::make_unique<Ring>(size);
    const std::uint64_t bottom = bottom_.load(std::memory_order_relaxed);
    for (std::uint64_t i = seen_top_; i != bottom; ++i)
      ring->at(i).store(ring_->at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    ring_ = ring.get();
    shared_ring_.store(ring_, std::memory_order_release);
    rings_.push_back(std::move(ring));
  }

  // From 1 on, so that nothing is below zero.
  alignas(64) std::atomic<std::uint64_t> top_{1};
  alignas(64) std::atomic<std::uint64_t> bottom_{1};
  std::atomic<Ring*> shared_ring_{nullptr};
  // The owner's:
  Ring* ring_ = nullptr;
  std::uint64_t seen_top_ = 1;  // the top, or what it was
  bool long_ = false;           // was longer than kBatch since take_oldest()
  std::vector<std::unique_ptr<Ring>> rings_;
};

using Deque = BasicDeque<32>;

}  // namespace lamellar::engine

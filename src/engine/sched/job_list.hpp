#pragma once
// Jobs in the order they came. Who pushes takes no lock: jobs go onto a stack, of which whoever
// takes makes a queue when the last one is empty (R. K. Treiber, IBM RJ 5118, 1986; the stack is
// only ever taken whole, so that no address comes back too early).
#include <atomic>
#include <cstdint>
#include <utility>

#include <lamellar/detail/job.hpp>

#include "base/clock/futex.hpp"
#include "base/clock/mutex.hpp"

namespace lamellar::engine {

class JobList {
 public:
  // THREADS: any. BLOCKS: never.
  void push(detail::Job& job) noexcept {
    size_.fetch_add(1);  // pairs with the look before a worker sleeps
    base::sim_point();
    job.next = stack_.load(std::memory_order_relaxed);
    while (!stack_.compare_exchange_weak(job.next, &job, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
  }

  // At most `most`, and at most half of what is there when others may want some, too.
  template <class Take>
  std::uint32_t take(std::uint32_t most, bool leave_half, const Take& each) noexcept {
    if (size_.load(std::memory_order_relaxed) == 0) return 0;
    const base::Lock lock(mutex_);
    const std::uint64_t there = size_.load(std::memory_order_relaxed);
    const std::uint64_t wanted = leave_half ? (there + 1) / 2 : there;
    std::uint32_t count = 0;
    while (count < most && count < wanted && (first_ != nullptr || refill())) {
      each(std::exchange(first_, first_->next));
      ++count;
    }
    if (count != 0) size_.fetch_sub(count);
    return count;
  }
  detail::Job* pop() noexcept {
    detail::Job* first = nullptr;
    take(1, false, [&](detail::Job* job) { first = job; });
    return first;
  }

  // Never less than there are; more while somebody pushes. A look (seq_cst).
  std::uint64_t size() const noexcept { return size_.load(); }

 private:
  // REQUIRES: the lock.
  bool refill() noexcept {
    detail::Job* newest = stack_.exchange(nullptr, std::memory_order_acquire);
    while (newest != nullptr) {
      detail::Job* const older = newest->next;
      newest->next = first_;
      first_ = std::exchange(newest, older);
    }
    return first_ != nullptr;
  }

  alignas(64) std::atomic<std::uint64_t> size_{0};
  std::atomic<detail::Job*> stack_{nullptr};
  alignas(64) base::Mutex mutex_;
  detail::Job* first_ = nullptr;  // the oldest
};

}  // namespace lamellar::engine

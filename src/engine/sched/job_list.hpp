#pragma once
// Jobs in the order they came, behind a lock.
#include <atomic>
#include <cstdint>

#include <lamellar/detail/job.hpp>

#include "base/clock/mutex.hpp"

namespace lamellar::engine {

class JobList {
 public:
  // THREADS: any.
  void push(detail::Job& job) noexcept {
    job.next = nullptr;
    const base::Lock lock(mutex_);
    (tail_ != nullptr ? tail_->next : head_) = &job;
    tail_ = &job;
    size_.fetch_add(1);  // pairs with the look before a worker sleeps
  }

  // At most `most`, and at most half of what is there when others may want some, too.
  template <class Take>
  std::uint32_t take(std::uint32_t most, bool leave_half, const Take& each) noexcept {
    if (size_.load(std::memory_order_relaxed) == 0) return 0;
    const base::Lock lock(mutex_);
    const std::uint64_t there = size_.load(std::memory_order_relaxed);
    std::uint64_t count = leave_half ? (there + 1) / 2 : there;
    if (count > most) count = most;
    for (std::uint64_t i = 0; i < count; ++i) {
      detail::Job* const job = head_;
      head_ = job->next;
      each(job);
    }
    if (head_ == nullptr) tail_ = nullptr;
    size_.fetch_sub(count);
    return static_cast<std::uint32_t>(count);
  }
  detail::Job* pop() noexcept {
    detail::Job* first = nullptr;
    take(1, false, [&](detail::Job* job) { first = job; });
    return first;
  }

  std::uint64_t size() const noexcept { return size_.load(); }

 private:
  base::Mutex mutex_;
  detail::Job* head_ = nullptr;
  detail::Job* tail_ = nullptr;
  std::atomic<std::uint64_t> size_{0};
};

}  // namespace lamellar::engine

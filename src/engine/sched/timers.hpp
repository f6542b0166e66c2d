#pragma once
// Suspended coroutines by the time when they go on: a binary heap. The threads of the scheduler
// look after it; nobody is woken for a timer while another one sleeps no longer than that.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lamellar/detail/sleep.hpp>

#include "base/clock/clock.hpp"
#include "base/clock/mutex.hpp"

namespace lamellar::engine {

using detail::Timer;

class Timers {
 public:
  // Whether it became the first. THREADS: any.
  bool add(Timer& timer);
  // False: it fired. THREADS: any.
  bool remove(Timer& timer) noexcept;
  // Wakes all whose time has come; whether there were any. THREADS: any.
  bool fire(std::uint64_t now_ns) noexcept;
  // kForever when there is none (seq_cst).
  std::uint64_t next_ns() const noexcept { return next_ns_.load(); }

 private:
  bool before(std::size_t a, std::size_t b) const noexcept {
    return heap_[a]->deadline_ns < heap_[b]->deadline_ns;
  }
  void swap(std::size_t a, std::size_t b) noexcept;
  void up(std::size_t at) noexcept;
  void down(std::size_t at) noexcept;
  void take_out(std::size_t at) noexcept;

  base::Mutex mutex_;
  std::vector<Timer*> heap_;
  std::atomic<std::uint64_t> next_ns_{base::kForever};
};

}  // namespace lamellar::engine

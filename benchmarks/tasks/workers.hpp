#pragma once
// Which thread ran how many tasks, and where threads run. The same for every scheduler.

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "harness/measure.hpp"

namespace bench {

// What one thread has run. Only it writes.
struct alignas(128) Ran {
  std::atomic<std::uint64_t> tasks{0};
};

inline constexpr unsigned kMostThreads = 64;
inline Ran g_ran[kMostThreads];
inline std::atomic<unsigned> g_threads{0};
inline constinit thread_local Ran* t_ran = nullptr;

inline Ran& ran_here() {
  if (t_ran == nullptr) [[unlikely]] {
    const unsigned mine = g_threads.fetch_add(1);
    if (mine >= kMostThreads) std::abort();
    t_ran = &g_ran[mine];
  }
  return *t_ran;
}

inline std::uint64_t ran_by_all() {
  std::uint64_t all = 0;
  const unsigned threads = g_threads.load();
  for (unsigned i = 0; i < threads; ++i) all += g_ran[i].tasks.load(std::memory_order_acquire);
  return all;
}

// The empty task: it only shows that it ran.
struct Empty {
  void operator()() const {
    std::atomic<std::uint64_t>& mine = ran_here().tasks;
    mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
};

// Between two looks of a thread that spins: it may share its core with the one it waits for.
inline void let_others_run() {
  for (int i = 0; i < 16; ++i) relax();
  sched_yield();
}

// Brings all workers of `pool` together, once, and pins them in turn, from the second core on; the
// calling thread, which comes first, goes to the first one. After the pool was made: a pool counts
// the cores that its maker may use.
template <class Pool>
void pin_workers(Pool& pool, unsigned workers) {
  struct Meeting {
    std::atomic<unsigned> came{0};
    std::atomic<unsigned> left{0};
    std::atomic<bool> over{false};
  };
  const auto meeting = std::make_shared<Meeting>();
  for (unsigned i = 0; i < workers; ++i)
    pool.submit([meeting, workers] {
      pin(1 + meeting->came.fetch_add(1));
      while (meeting->came.load() < workers && !meeting->over.load()) let_others_run();
      meeting->left.fetch_add(1);
    });
  const double end = now() + 30;
  while (meeting->left.load() < workers && now() < end) let_others_run();
  meeting->over.store(true);
  if (meeting->came.load() < workers)
    throw std::runtime_error("only " + std::to_string(meeting->came.load()) + " of " +
                             std::to_string(workers) + " workers run at once");
  pin(0);
}

}  // namespace bench

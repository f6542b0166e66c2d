#pragma once
// How long a PE that is full takes no requests although nothing moves: see decision 0012.
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace lamellar::engine {

class Patience {
 public:
  static constexpr std::uint64_t kFirstNs = 1'000'000;
  static constexpr std::uint64_t kShortestNs = kFirstNs / 64;

  // Something has moved.
  void moved() noexcept {
    if (over_at_.load(std::memory_order_relaxed) != 0) over_at_.store(0);
  }
  // Nothing has: whether that has lasted long enough. Only one is told so; it begins anew.
  // THREADS: any.
  bool over(std::uint64_t now_ns) noexcept {
    std::uint64_t at = until(now_ns);
    return now_ns >= at && over_at_.compare_exchange_strong(at, 0);
  }
  // A request was taken: from now on it is shorter. Who had to wait once will have to again, as in a
  // circle of PEs that are all full.
  void shorten() noexcept { length_ns_.store(std::max(kShortestNs, length_ns_.load() / 2)); }
  // When it will be over; it begins now, if it has not.
  std::uint64_t until(std::uint64_t now_ns) noexcept {
    std::uint64_t at = 0;
    const std::uint64_t begun = now_ns + length_ns_.load();
    return over_at_.compare_exchange_strong(at, begun) ? begun : at;
  }
  // The PE has become full, for the `times`th time: as long as at first.
  void full(std::uint64_t times) noexcept {
    if (times_.load(std::memory_order_relaxed) == times || times_.exchange(times) == times) return;
    length_ns_.store(kFirstNs);
    over_at_.store(0);
  }

 private:
  std::atomic<std::uint64_t> over_at_{0};  // 0: it has not begun
  std::atomic<std::uint64_t> length_ns_{kFirstNs};
  std::atomic<std::uint64_t> times_{0};
};

}  // namespace lamellar::engine

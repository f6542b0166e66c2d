#pragma once
// What could not be sent for want of credit, and records too large for a frame: kept in private
// memory and moved into frames as they come back. It is counted: decision 0012 says what for.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

#include "base/clock/mutex.hpp"
#include "base/wire/wire.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::detail {

// A frame in private memory: what a handler appends to when there is no credit.
struct SpillFrame {
  explicit SpillFrame(std::uint32_t bytes) : payload(new std::byte[bytes]), capacity(bytes) {}
  std::unique_ptr<std::byte[]> payload;
  std::uint32_t capacity;
  std::uint32_t length = 0;
  std::uint64_t counted = 0;  // the backlog's
};

}  // namespace lamellar::detail

namespace lamellar::engine {

// UNITS: bytes.
struct SpillLimits {
  std::uint64_t soft = ~std::uint64_t{0};
  std::uint64_t hard = ~std::uint64_t{0};
  std::uint64_t largest_counted = ~std::uint64_t{0};    // a larger record does not count
  std::uint64_t largest_assembled = ~std::uint64_t{0};  // nor one that arrives in pieces
};

class Backlog {
 public:
  explicit Backlog(lamellae::Lamella& lamella, SpillLimits limits = {});

  // An empty one to append to; it counts from now on. ERRORS: std::bad_alloc.
  std::unique_ptr<detail::SpillFrame> take_frame(Pe destination, lamellae::Lane lane);
  // Nothing was appended.
  void give_back(Pe destination, lamellae::Lane lane, const detail::SpillFrame& frame) noexcept;
  void add(Pe destination, lamellae::Lane lane, std::unique_ptr<detail::SpillFrame> frame);
  // Cuts `record` (of a run with header `word`) into pieces.
  void add_large(Pe destination, lamellae::Lane lane, std::uint32_t word,
                 std::vector<std::byte> record);

  // Moves what credits allow; whether anything moved. Rings the doorbell when a large record is
  // through or nothing is left. THREADS: any, one at a time works.
  bool drain();
  bool empty() const noexcept { return items_.load() == 0; }
  // Large requests for `destination` that still have pieces here.
  std::uint64_t large_pending(Pe destination) const noexcept {
    return large_[destination].load();
  }
  // Request bytes that the large records given to add_large() so far take in frames.
  std::uint64_t large_bytes_sent(Pe destination) const noexcept {
    return large_bytes_[destination].load();
  }
  void clear() noexcept;

  // Above the soft limit: the PE sends first. The doorbell rings for all when this changes, and
  // when requests alone come to be above it.
  bool full() const noexcept { return held_all_.load() > limits_.soft; }
  // It does not get below the limit by answers alone, which leave in any case.
  bool full_of_requests() const noexcept {
    return held_by(lamellae::Lane::kRequest) > limits_.soft;
  }
  // One more answer has to wait: half of the hard limit is for requests at least.
  bool full_of_replies() const noexcept {
    return held_by(lamellae::Lane::kReply) > std::min(limits_.soft, limits_.hard / 2);
  }
  bool has_room(std::uint64_t bytes) const noexcept {
    return held_all_.load() <= limits_.hard && bytes <= limits_.hard - held_all_.load();
  }
  bool counts(std::uint64_t record) const noexcept { return record <= limits_.largest_counted; }
  // For people: what is above the hard limit, and what to do.
  std::string describe() const;
  std::uint64_t held() const noexcept { return held_all_.load(); }
  std::uint64_t most_held() const noexcept { return most_held_.load(); }
  std::uint64_t times_full() const noexcept { return times_full_.load(); }
  // Records that were too large to be counted, so far.
  std::uint64_t uncounted() const noexcept { return uncounted_.load(); }

 private:
  struct Item {
    std::unique_ptr<detail::SpillFrame> frame;  // or, when null, a large record
    std::vector<std::byte> record;
    std::uint64_t counted = 0;
    std::uint64_t offset = 0;
    std::uint64_t message = 0;
    std::uint32_t word = 0;
  };
  using Queue = std::deque<Item>;
  std::size_t place(Pe destination, lamellae::Lane lane) const noexcept {
    return static_cast<std::size_t>(lane) * lamella_.num_pes() + destination;
  }
  void push(Pe destination, lamellae::Lane lane, Item item);
  void recount(std::size_t place, std::uint64_t before, std::uint64_t now) noexcept;
  std::uint64_t held_by(lamellae::Lane lane) const noexcept {
    return held_by_[static_cast<std::size_t>(lane)].load();
  }
  bool drain_queue(std::size_t place);
  bool advance(Item& item, Pe destination, lamellae::Lane lane);  // one frame; false: no credit
  std::uint32_t fill(Item& item, const lamellae::OpenFrame& frame) noexcept;

  lamellae::Lamella& lamella_;
  const SpillLimits limits_;
  base::Mutex mutex_;  // guards the queues; not held while an item is worked on
  std::vector<Queue> queues_;
  std::vector<std::atomic<std::uint64_t>> large_;
  std::vector<std::atomic<std::uint64_t>> large_bytes_;
  std::atomic<std::uint64_t> items_{0};
  std::atomic<std::uint64_t> next_message_{1};
  std::atomic<bool> draining_{false};
  std::atomic<bool> again_{false};  // somebody was turned away, or added something

  // UNITS: bytes of memory.
  std::vector<std::atomic<std::uint64_t>> held_;                 // by place
  std::atomic<std::uint64_t> held_by_[lamellae::kLanes] = {0, 0};
  std::atomic<std::uint64_t> held_all_{0};
  std::atomic<std::uint64_t> most_held_{0};
  std::atomic<std::uint64_t> times_full_{0};
  std::atomic<std::uint64_t> uncounted_{0};
};

}  // namespace lamellar::engine

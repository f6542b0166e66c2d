#pragma once
// What could not be sent for want of credit, and records too large for a frame: kept in private
// memory and moved into frames as they come back.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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
};

}  // namespace lamellar::detail

namespace lamellar::engine {

class Backlog {
 public:
  explicit Backlog(lamellae::Lamella& lamella);

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

 private:
  struct Item {
    std::unique_ptr<detail::SpillFrame> frame;  // or, when null, a large record
    std::vector<std::byte> record;
    std::uint64_t offset = 0;
    std::uint64_t message = 0;
    std::uint32_t word = 0;
  };
  using Queue = std::deque<Item>;
  std::size_t place(Pe destination, lamellae::Lane lane) const noexcept {
    return static_cast<std::size_t>(lane) * lamella_.num_pes() + destination;
  }
  void push(Pe destination, lamellae::Lane lane, Item item);
  bool drain_queue(std::size_t place);
  bool advance(Item& item, Pe destination, lamellae::Lane lane);  // one frame; false: no credit
  std::uint32_t fill(Item& item, const lamellae::OpenFrame& frame) noexcept;

  lamellae::Lamella& lamella_;
  base::Mutex mutex_;  // guards the queues; not held while an item is worked on
  std::vector<Queue> queues_;
  std::vector<std::atomic<std::uint64_t>> large_;
  std::vector<std::atomic<std::uint64_t>> large_bytes_;
  std::atomic<std::uint64_t> items_{0};
  std::atomic<std::uint64_t> next_message_{1};
  std::atomic<bool> draining_{false};
  std::atomic<bool> again_{false};  // somebody was turned away, or added something
};

}  // namespace lamellar::engine

#pragma once
// Requests that wait for their reply, by slot and generation: a late reply hits nobody. Each thread
// has two batches of free slots, one in use and one in reserve (Bonwick, Adams, "Magazines and
// Vmem", USENIX 2001): no lock, and no atomic operation for most. The batches form a stack (Treiber
// 1986) whose head carries a count against addresses that come back (IBM System/370, compare double
// and swap).
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <lamellar/detail/engine_api.hpp>

#include "base/clock/mutex.hpp"

namespace lamellar::engine {

// Makes an error. Every waiter gets one of its own: threads share no exception objects.
using MakeError = std::function<std::exception_ptr()>;

// What one thread has of a table: how many requests it opened and answered so far, and free slots.
// Nothing is open at some moment between two looks at all shelves, first at what was answered (and
// RequestTable::failed()), then at what was opened, that give the same sum. THREADS: its own; the
// counts, any.
struct RequestShelf {
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> answered{0};

 private:
  friend class RequestTable;
  static void count(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  std::uint32_t first_free = 0;  // slot + 1; 0: none
  std::uint32_t free = 0;        // as many, or more: a batch may be short
  std::uint32_t reserve = 0;     // the first one of another batch; 0: none
};

class RequestTable {
 public:
  // What holds a state until its answer comes: a reference, or `arrive` is entrusted with it.
  enum class Hold : std::uint8_t { kReference, kEntrusted };
  // THREADS: any. ERRORS: std::bad_alloc.
  detail::RequestId open(RequestShelf& shelf, detail::FutureCore& state, std::uint32_t index,
                         detail::ArriveFn arrive, Hold hold = Hold::kReference);
  // The answer came: value or error. False when nobody waits under that id.
  bool answer(RequestShelf& shelf, detail::RequestId id, detail::SpanReader* value,
              std::exception_ptr error) noexcept;
  // Every open request fails with an error of its own. One that is opened at this very moment may
  // be missed: whoever opens one looks afterwards whether it should fail, and calls this before it
  // sleeps (by then it sees what it opened itself: no fence is needed when it opens).
  void fail_all(const MakeError& make) noexcept;
  // How many requests that was; they are in no thread's count.
  std::uint64_t failed() const noexcept { return failed_.load(); }
  // The free slots of a thread that ends.
  void give_back(RequestShelf& shelf) noexcept;

 private:
  struct Entry {
    std::atomic<std::uint32_t> generation{0};  // odd: a request waits
    std::uint32_t next_free = 0;               // in its batch: slot + 1; 0: none
    std::atomic<std::uint32_t> next_batch{0};  // of the first one of a batch: the same
    std::uint32_t index = 0;
    detail::ArriveFn arrive = nullptr;
    detail::FutureCore* state = nullptr;
  };
  // Chunk k has kFirstChunk << k entries; they stay where they are.
  static constexpr std::uint32_t kFirstChunk = 64;
  static constexpr std::uint32_t kBatch = 32;
  static constexpr std::uint32_t kChunks = 26;  // 2^32 - 64 entries

  Entry& entry(std::uint32_t slot) const noexcept;
  std::uint32_t take_free_slot(RequestShelf& shelf);
  void give_free_slot(RequestShelf& shelf, std::uint32_t slot) noexcept;
  std::uint32_t take_batch();
  void give_batch(std::uint32_t first) noexcept;
  std::uint32_t grow();

  alignas(64) std::atomic<std::uint64_t> free_{0};  // count << 32 | slot + 1 of a batch's first
  std::atomic<std::uint64_t> failed_{0};
  alignas(64) std::atomic<std::uint32_t> size_{0};
  std::array<std::unique_ptr<Entry[]>, kChunks> chunks_;  // those below size_ are there
  base::Mutex growing_;
};

// --- inline: entered for every request ------------------------------------------------------

inline RequestTable::Entry& RequestTable::entry(std::uint32_t slot) const noexcept {
  const std::uint32_t shifted = slot + kFirstChunk;
  const auto chunk = static_cast<std::uint32_t>(std::bit_width(shifted / kFirstChunk)) - 1;
  return chunks_[chunk][shifted - (kFirstChunk << chunk)];
}

inline std::uint32_t RequestTable::take_free_slot(RequestShelf& shelf) {
  if (shelf.first_free == 0) {
    shelf.first_free = shelf.reserve != 0 ? std::exchange(shelf.reserve, 0) : take_batch();
    shelf.free = kBatch;
  }
  const std::uint32_t slot = shelf.first_free - 1;
  shelf.first_free = entry(slot).next_free;
  --shelf.free;
  return slot;
}

inline detail::RequestId RequestTable::open(RequestShelf& shelf, detail::FutureCore& state,
                                            std::uint32_t index, detail::ArriveFn arrive,
                                            Hold hold) {
  const std::uint32_t slot = take_free_slot(shelf);
  Entry& mine = entry(slot);
  mine.state = &state;
  mine.arrive = arrive;
  mine.index = index;
  if (hold == Hold::kEntrusted)
    state.entrust();
  else
    state.retain();
  const std::uint32_t generation = mine.generation.load(std::memory_order_relaxed) + 1;
  RequestShelf::count(shelf.opened);
  mine.generation.store(generation, std::memory_order_release);
  return {slot, generation};
}

}  // namespace lamellar::engine

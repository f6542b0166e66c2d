#include "engine/am/request_table.hpp"

#include <bit>
#include <new>
#include <utility>

#include "base/clock/futex.hpp"

namespace lamellar::engine {

void RequestTable::give_free_slot(RequestShelf& shelf, std::uint32_t slot) noexcept {
  entry(slot).next_free = std::exchange(shelf.first_free, slot + 1);
  if (++shelf.free < kBatch) return;
  if (shelf.reserve != 0) give_batch(shelf.reserve);
  shelf.reserve = std::exchange(shelf.first_free, 0);
  shelf.free = 0;
}

void RequestTable::give_back(RequestShelf& shelf) noexcept {
  shelf.free = 0;
  if (const std::uint32_t first = std::exchange(shelf.first_free, 0)) give_batch(first);
  if (const std::uint32_t first = std::exchange(shelf.reserve, 0)) give_batch(first);
}

std::uint32_t RequestTable::take_batch() {
  std::uint64_t head = free_.load(std::memory_order_acquire);
  for (;;) {
    const auto first = static_cast<std::uint32_t>(head);
    if (first == 0) return grow();
    // It may be taken meanwhile; then the count differs.
    const std::uint64_t next = entry(first - 1).next_batch.load(std::memory_order_relaxed);
    base::sim_point();
    if (free_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | next,
                                    std::memory_order_acquire))
      return first;
  }
}

void RequestTable::give_batch(std::uint32_t first) noexcept {
  auto& next_batch = entry(first - 1).next_batch;
  std::uint64_t head = free_.load(std::memory_order_relaxed);
  do {
    next_batch.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
  } while (!free_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | first,
                                        std::memory_order_release, std::memory_order_relaxed));
}

// A new batch that nobody else has; the others of its chunk become free.
std::uint32_t RequestTable::grow() {
  const base::Lock lock(growing_);
  const std::uint32_t slot = size_.load(std::memory_order_relaxed);
  const auto chunk = static_cast<std::uint32_t>(std::bit_width(slot / kFirstChunk + 1)) - 1;
  if (chunk == kChunks) throw std::bad_alloc();
  const std::uint32_t count = kFirstChunk << chunk;
  auto entries = std::make_unique<Entry[]>(count);
  for (std::uint32_t i = 0; i < count; ++i)
    if ((i + 1) % kBatch != 0) entries[i].next_free = slot + i + 2;
  chunks_[chunk] = std::move(entries);
  size_.store(slot + count, std::memory_order_release);
  for (std::uint32_t i = kBatch; i < count; i += kBatch) give_batch(slot + i + 1);
  return slot + 1;
}

bool RequestTable::answer(RequestShelf& shelf, detail::RequestId id, detail::SpanReader* value,
                          std::exception_ptr error) noexcept {
  if (id.slot >= size_.load(std::memory_order_acquire) || id.generation % 2 == 0) return false;
  Entry& there = entry(id.slot);
  std::uint32_t generation = id.generation;
  if (!there.generation.compare_exchange_strong(generation, generation + 1,
                                                std::memory_order_acquire))
    return false;
  // From here on it is ours until it is free.
  detail::FutureCore& state = *there.state;
  const detail::ArriveFn arrive = there.arrive;
  const std::uint32_t index = there.index;
  const bool entrusted = state.entrusted();
  give_free_slot(shelf, id.slot);

  std::exception_ptr unreadable;
  try {
    arrive(state, index, value, std::move(error));
  } catch (...) {
    unreadable = std::current_exception();
  }
  if (unreadable) arrive(state, index, nullptr, std::move(unreadable));
  if (!entrusted) state.release();
  RequestShelf::count(shelf.answered);
  return true;
}

void RequestTable::fail_all(const MakeError& make) noexcept {
  RequestShelf shelf;
  const std::uint32_t size = size_.load(std::memory_order_acquire);
  for (std::uint32_t slot = 0; slot < size; ++slot) {
    const std::uint32_t generation = entry(slot).generation.load(std::memory_order_acquire);
    if (generation % 2 != 0) answer(shelf, {slot, generation}, nullptr, make());
  }
  give_back(shelf);
  failed_.fetch_add(shelf.answered.load());
}

}  // namespace lamellar::engine

#include "engine/am/request_table.hpp"

#include <bit>
#include <new>
#include <utility>

#include "base/clock/futex.hpp"

namespace lamellar::engine {

RequestTable::Entry& RequestTable::entry(std::uint32_t slot) const noexcept {
  const std::uint32_t shifted = slot + kFirstChunk;
  const auto chunk = static_cast<std::uint32_t>(std::bit_width(shifted / kFirstChunk)) - 1;
  return chunks_[chunk][shifted - (kFirstChunk << chunk)];
}

std::uint32_t RequestTable::take_free_slot() {
  std::uint64_t head = free_.load(std::memory_order_acquire);
  for (;;) {
    const auto first = static_cast<std::uint32_t>(head);
    if (first == 0) return grow();
    // It may be taken meanwhile; then the count differs.
    const std::uint64_t next = entry(first - 1).next_free.load(std::memory_order_relaxed);
    base::sim_point();
    if (free_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | next,
                                    std::memory_order_acquire))
      return first - 1;
  }
}

// A chain of them, from slot `first` to `last`.
void RequestTable::give_free_slots(std::uint32_t first, Entry& last) noexcept {
  std::uint64_t head = free_.load(std::memory_order_relaxed);
  do {
    last.next_free.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
  } while (!free_.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | (first + 1),
                                        std::memory_order_release, std::memory_order_relaxed));
}

// A new slot that nobody else has; the others of its chunk become free.
std::uint32_t RequestTable::grow() {
  const base::Lock lock(growing_);
  const std::uint32_t slot = size_.load(std::memory_order_relaxed);
  const auto chunk = static_cast<std::uint32_t>(std::bit_width(slot / kFirstChunk + 1)) - 1;
  if (chunk == kChunks) throw std::bad_alloc();
  const std::uint32_t count = kFirstChunk << chunk;
  auto entries = std::make_unique<Entry[]>(count);
  for (std::uint32_t i = 1; i + 1 < count; ++i)
    entries[i].next_free.store(slot + i + 2, std::memory_order_relaxed);
  Entry& last = entries[count - 1];
  chunks_[chunk] = std::move(entries);
  size_.store(slot + count, std::memory_order_release);
  give_free_slots(slot + 1, last);
  return slot;
}

detail::RequestId RequestTable::open(detail::FutureCore& state, std::uint32_t index,
                                     detail::ArriveFn arrive) {
  const std::uint32_t slot = take_free_slot();
  Entry& mine = entry(slot);
  mine.state = &state;
  mine.arrive = arrive;
  mine.index = index;
  state.retain();
  const std::uint32_t generation = mine.generation.load(std::memory_order_relaxed) + 1;
  mine.generation.store(generation, std::memory_order_release);
  opened_.fetch_add(1);  // pairs with fail_all()
  return {slot, generation};
}

bool RequestTable::answer(detail::RequestId id, detail::SpanReader* value,
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
  give_free_slots(id.slot, there);

  std::exception_ptr unreadable;
  try {
    arrive(state, index, value, std::move(error));
  } catch (...) {
    unreadable = std::current_exception();
  }
  if (unreadable) arrive(state, index, nullptr, std::move(unreadable));
  state.release();
  answered_.fetch_add(1);
  return true;
}

void RequestTable::fail_all(const MakeError& make) noexcept {
  // Sees all that were opened before it, or they see what was published before this.
  static_cast<void>(opened_.load());
  const std::uint32_t size = size_.load(std::memory_order_acquire);
  for (std::uint32_t slot = 0; slot < size; ++slot) {
    const std::uint32_t generation = entry(slot).generation.load(std::memory_order_acquire);
    if (generation % 2 != 0) answer({slot, generation}, nullptr, make());
  }
}

}  // namespace lamellar::engine

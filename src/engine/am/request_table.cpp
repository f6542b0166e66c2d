#include "engine/am/request_table.hpp"

#include <utility>

namespace lamellar::engine {

detail::RequestId RequestTable::open(detail::FutureCore& state, std::uint32_t index,
                                     detail::ArriveFn arrive) {
  base::Lock lock(mutex_);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.emplace_back();
    free_.reserve(entries_.size());  // so that giving back never allocates
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Entry& entry = entries_[slot];
  entry.state = &state;
  entry.arrive = arrive;
  entry.index = index;
  state.retain();
  outstanding_.fetch_add(1);
  return {slot, entry.generation};
}

bool RequestTable::take(detail::RequestId id, Entry& entry) noexcept {
  base::Lock lock(mutex_);
  if (id.slot >= entries_.size()) return false;
  Entry& there = entries_[id.slot];
  if (there.state == nullptr || there.generation != id.generation) return false;
  entry = there;
  there.state = nullptr;
  ++there.generation;
  free_.push_back(id.slot);
  return true;
}

void RequestTable::finish(const Entry& entry, detail::SpanReader* value,
                          std::exception_ptr error) noexcept {
  std::exception_ptr unreadable;
  try {
    entry.arrive(*entry.state, entry.index, value, std::move(error));
  } catch (...) {
    unreadable = std::current_exception();
  }
  if (unreadable) entry.arrive(*entry.state, entry.index, nullptr, std::move(unreadable));
  entry.state->release();
  outstanding_.fetch_sub(1);
}

bool RequestTable::answer(detail::RequestId id, detail::SpanReader* value,
                          std::exception_ptr error) noexcept {
  Entry entry;
  if (!take(id, entry)) return false;
  finish(entry, value, std::move(error));
  return true;
}

void RequestTable::fail_all(const MakeError& make) noexcept {
  for (std::uint32_t slot = 0;; ++slot) {
    detail::RequestId id{slot, 0};
    {
      base::Lock lock(mutex_);
      if (slot >= entries_.size()) return;
      if (entries_[slot].state == nullptr) continue;
      id.generation = entries_[slot].generation;
    }
    answer(id, nullptr, make());
  }
}

}  // namespace lamellar::engine

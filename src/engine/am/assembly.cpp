#include "engine/am/assembly.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

namespace lamellar::engine {

void FreeBytes::operator()(std::byte* bytes) const noexcept { std::free(bytes); }

bool Assembly::grow(Partial& partial, std::uint64_t size) {
  if (size <= partial.capacity) return true;
  const std::uint64_t wanted =
      std::min(partial.total, std::max(size, partial.capacity + partial.capacity / 2));
  auto* bytes = static_cast<std::byte*>(std::realloc(partial.bytes.get(), wanted));
  if (bytes == nullptr) return false;
  static_cast<void>(partial.bytes.release());  // realloc has freed or kept it
  partial.bytes.reset(bytes);
  partial.capacity = wanted;
  return true;
}

// Whether none of these bytes has arrived before.
bool Assembly::is_new(const Partial& partial, std::uint64_t from, std::uint64_t to) {
  if (from < partial.joined) return false;
  const auto after = partial.ahead.lower_bound(from);
  if (after != partial.ahead.end() && after->first < to) return false;
  if (after == partial.ahead.begin()) return true;
  const auto& [offset, before] = *std::prev(after);
  return offset + before.length <= from;
}

bool Assembly::join(Partial& partial, const std::byte* piece, std::uint32_t length) {
  if (!grow(partial, partial.joined + length)) return false;
  std::memcpy(partial.bytes.get() + partial.joined, piece, length);
  partial.joined += length;
  return true;
}

bool Assembly::take(Partial& partial, const wire::FragmentHead& head, const std::byte* piece) {
  auto& ahead = partial.ahead;
  if (head.offset != partial.joined) {
    Piece kept{std::make_unique<std::byte[]>(head.length), head.length};
    std::memcpy(kept.bytes.get(), piece, head.length);
    ahead.emplace(head.offset, std::move(kept));
    partial.bytes_ahead += head.length;
    return true;
  }
  if (!join(partial, piece, head.length)) return false;
  while (!ahead.empty() && ahead.begin()->first == partial.joined) {
    const Piece& next = ahead.begin()->second;
    if (!join(partial, next.bytes.get(), next.length)) return false;
    partial.bytes_ahead -= next.length;
    ahead.erase(ahead.begin());
  }
  return true;
}

bool Assembly::may_begin(Pe source) const {
  const auto first = partials_.lower_bound({source, 0});
  const auto end = partials_.upper_bound({source, ~std::uint64_t{0}});
  return static_cast<std::uint64_t>(std::distance(first, end)) < limits_.most_open;
}

void Assembly::recount(Partial& partial, std::uint64_t bytes) noexcept {
  if (partial.total > limits_.largest_counted) return;
  use_.held += bytes - std::exchange(partial.counted, bytes);
  use_.most_held = std::max(use_.most_held, use_.held);
}

Assembly::Use Assembly::use() const noexcept {
  base::Lock lock(mutex_);
  return use_;
}

Assembly::Outcome Assembly::add(Pe source, const wire::FragmentHead& head, const std::byte* piece,
                                AssembledRecord& whole) {
  base::Lock lock(mutex_);
  Partials::iterator place = partials_.find({source, head.message});
  const bool fresh = place == partials_.end();
  if (fresh) {
    if (!may_begin(source)) return Outcome::kRefused;
    place = partials_.try_emplace({source, head.message}).first;
  }
  Partial& partial = place->second;
  if (fresh) {
    partial.total = head.total;
    partial.word = head.word;
    if (partial.total > limits_.largest_counted) ++use_.uncounted;
  }
  const bool sane = head.total <= limits_.max_record && head.total == partial.total &&
                    head.word == partial.word && head.offset <= partial.arrived + limits_.window &&
                    head.offset <= head.total && head.length <= head.total - head.offset &&
                    head.length != 0;
  if (!sane || !is_new(partial, head.offset, head.offset + head.length) ||
      !take(partial, head, piece)) {
    recount(partial, 0);
    partials_.erase(place);
    return Outcome::kRefused;
  }
  recount(partial, partial.capacity + partial.bytes_ahead);
  partial.arrived += head.length;
  partial.wire_bytes += sizeof head + head.length;
  if (partial.arrived < partial.total) return Outcome::kIncomplete;
  recount(partial, 0);
  whole = {std::move(partial.bytes), partial.total, partial.word, partial.wire_bytes};
  partials_.erase(place);
  return Outcome::kComplete;
}

void Assembly::clear() noexcept {
  base::Lock lock(mutex_);
  partials_.clear();
  use_.held = 0;
}

}  // namespace lamellar::engine

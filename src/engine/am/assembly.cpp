#include "engine/am/assembly.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

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
    return true;
  }
  if (!join(partial, piece, head.length)) return false;
  while (!ahead.empty() && ahead.begin()->first == partial.joined) {
    const Piece& next = ahead.begin()->second;
    if (!join(partial, next.bytes.get(), next.length)) return false;
    ahead.erase(ahead.begin());
  }
  return true;
}

Assembly::Outcome Assembly::add(Pe source, const wire::FragmentHead& head, const std::byte* piece,
                                AssembledRecord& whole) {
  base::Lock lock(mutex_);
  const auto [place, fresh] = partials_.try_emplace({source, head.message});
  Partial& partial = place->second;
  if (fresh) {
    partial.total = head.total;
    partial.word = head.word;
  }
  const bool sane = head.total <= max_record_ && head.total == partial.total &&
                    head.word == partial.word && head.offset <= partial.arrived + window_ &&
                    head.offset <= head.total && head.length <= head.total - head.offset &&
                    head.length != 0;
  if (!sane || !is_new(partial, head.offset, head.offset + head.length) ||
      !take(partial, head, piece)) {
    partials_.erase(place);
    return Outcome::kRefused;
  }
  partial.arrived += head.length;
  partial.wire_bytes += sizeof head + head.length;
  if (partial.arrived < partial.total) return Outcome::kIncomplete;
  whole = {std::move(partial.bytes), partial.total, partial.word, partial.wire_bytes};
  partials_.erase(place);
  return Outcome::kComplete;
}

void Assembly::clear() noexcept {
  base::Lock lock(mutex_);
  partials_.clear();
}

}  // namespace lamellar::engine

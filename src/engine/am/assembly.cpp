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

// False when some of these bytes have arrived before.
bool Assembly::take_range(Partial& partial, std::uint64_t from, std::uint64_t to) {
  auto& ranges = partial.ranges;
  const auto after = ranges.lower_bound(from);
  const auto before = after == ranges.begin() ? ranges.end() : std::prev(after);
  if (after != ranges.end() && after->first < to) return false;
  if (before != ranges.end() && before->second > from) return false;
  std::uint64_t end = to;
  if (after != ranges.end() && after->first == to) {
    end = after->second;
    ranges.erase(after);
  }
  if (before != ranges.end() && before->second == from)
    before->second = end;
  else
    ranges.emplace(from, end);
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
  const std::uint64_t end = head.offset + head.length;
  if (!sane || !take_range(partial, head.offset, end) || !grow(partial, end)) {
    partials_.erase(place);
    return Outcome::kRefused;
  }
  std::memcpy(partial.bytes.get() + head.offset, piece, head.length);
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

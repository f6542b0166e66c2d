#include "engine/am/assembly.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

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
                    head.offset <= head.total && head.length <= head.total - head.offset;
  if (!sane || !grow(partial, head.offset + head.length)) {
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

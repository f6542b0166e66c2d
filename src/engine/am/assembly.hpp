#pragma once
// Records that came in pieces: one allocation each, that grows with what has joined its beginning.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include <lamellar/types.hpp>

#include "base/clock/mutex.hpp"
#include "base/wire/wire.hpp"

namespace lamellar::engine {

struct FreeBytes {
  void operator()(std::byte* bytes) const noexcept;
};

struct AssembledRecord {
  std::unique_ptr<std::byte, FreeBytes> bytes;
  std::uint64_t size = 0;
  std::uint32_t word = 0;
  std::uint64_t wire_bytes = 0;  // what its pieces took in their frames
};

class Assembly {
 public:
  // UNITS: bytes.
  struct Limits {
    std::uint64_t max_record = 0;  // larger ones are refused
    // How far a piece may be ahead of what has arrived (pieces come in any order, but no more than
    // a pool is under way).
    std::uint64_t window = 0;
    // Records of one source that may be incomplete. It sends one at a time in each lane, and each
    // of those before it lacks a piece that is under way.
    std::uint32_t most_open = ~std::uint32_t{0};
    std::uint64_t largest_counted = ~std::uint64_t{0};  // larger ones are not in held()
  };
  explicit Assembly(const Limits& limits) : limits_(limits) {}

  enum class Outcome : std::uint8_t { kIncomplete, kComplete, kRefused };
  // One piece of a record of `source`. THREADS: any.
  Outcome add(Pe source, const wire::FragmentHead& head, const std::byte* piece,
              AssembledRecord& whole);
  void clear() noexcept;
  // Memory of incomplete records, now and at most so far; records too large to be in it, so far.
  struct Use {
    std::uint64_t held = 0, most_held = 0, uncounted = 0;
  };
  Use use() const noexcept;

 private:
  struct Piece {
    std::unique_ptr<std::byte[]> bytes;
    std::uint32_t length = 0;
  };
  struct Partial {
    std::unique_ptr<std::byte, FreeBytes> bytes;  // [0, joined) of the record
    std::uint64_t capacity = 0;
    std::uint64_t joined = 0;
    std::uint64_t arrived = 0;
    std::uint64_t total = 0;
    std::uint32_t word = 0;
    std::uint64_t wire_bytes = 0;
    // Pieces that came before those in front of them, by offset: a claim to lie far behind takes no
    // memory but its own.
    std::map<std::uint64_t, Piece> ahead;
    std::uint64_t bytes_ahead = 0;
    std::uint64_t counted = 0;
  };
  using Partials = std::map<std::pair<Pe, std::uint64_t>, Partial>;
  bool may_begin(Pe source) const;
  void recount(Partial& partial, std::uint64_t bytes) noexcept;
  static bool is_new(const Partial& partial, std::uint64_t from, std::uint64_t to);
  static bool join(Partial& partial, const std::byte* piece, std::uint32_t length);
  static bool take(Partial& partial, const wire::FragmentHead& head, const std::byte* piece);
  static bool grow(Partial& partial, std::uint64_t size);

  const Limits limits_;
  mutable base::Mutex mutex_;  // guards what follows
  Partials partials_;
  Use use_;
};

}  // namespace lamellar::engine

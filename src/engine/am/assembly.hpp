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
  // max_record: larger ones are refused. window: how far a piece may be ahead of what has arrived
  // (pieces come in any order, but no more than a pool is under way). UNITS: bytes.
  Assembly(std::uint64_t max_record, std::uint64_t window)
      : max_record_(max_record), window_(window) {}

  enum class Outcome : std::uint8_t { kIncomplete, kComplete, kRefused };
  // One piece of a record of `source`. THREADS: any.
  Outcome add(Pe source, const wire::FragmentHead& head, const std::byte* piece,
              AssembledRecord& whole);
  void clear() noexcept;

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
  };
  static bool is_new(const Partial& partial, std::uint64_t from, std::uint64_t to);
  static bool join(Partial& partial, const std::byte* piece, std::uint32_t length);
  static bool take(Partial& partial, const wire::FragmentHead& head, const std::byte* piece);
  static bool grow(Partial& partial, std::uint64_t size);

  const std::uint64_t max_record_;
  const std::uint64_t window_;
  base::Mutex mutex_;
  std::map<std::pair<Pe, std::uint64_t>, Partial> partials_;
};

}  // namespace lamellar::engine

#pragma once
// What a fuzz target is. Whatever the bytes, run() comes back: they were taken, or refused as the
// engine refuses. A crash, a read past the end, more memory than the bytes account for: a fault.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lamellar::fuzz {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

struct Target {
  const char* name;
  void (*run)(View input);
  // Inputs that are wholly in order, from the encoders themselves.
  std::vector<Bytes> (*examples)();
};

extern const Target kFrames;    // what a receiver reads: runs, records, fragments, control
extern const Target kMessages;  // what comes from a network: heads, pieces of frames, credit
extern const Target kSerial;    // arguments and results of active messages

// Says what is wrong and aborts: a fuzzer takes that for a crash.
void require(bool holds, const char* what);

// Memory taken since it was made stays within what `input` bytes account for.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t input);
  void check() const;

 private:
  std::size_t allowed_;
  std::size_t heap_;
  std::size_t peak_;
};

}  // namespace lamellar::fuzz

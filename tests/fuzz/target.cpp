#include "fuzz/target.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/core/sanitizers.hpp"

// A sanitizer counts by itself, and has an operator new of its own. (g++ has no header for it.)
#if defined(LAMELLAR_ADDRESS_SANITIZER)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>

#include "support/counting_new.hpp"
#endif

namespace lamellar::fuzz {
namespace {

// A byte of a message may become an empty string in a map; no byte becomes a page.
constexpr std::size_t kPerByte = 128;
constexpr std::size_t kAllowance = 192 * 1024;

// Also of those who do not ask operator new.
std::size_t heap_in_use() {
#if defined(LAMELLAR_ADDRESS_SANITIZER)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

// The most that operator new had given since the last call; with a sanitizer what it has given now.
std::size_t peak_since(bool anew) {
#if defined(LAMELLAR_ADDRESS_SANITIZER)
  static_cast<void>(anew);
  return heap_in_use();
#else
  auto& counts = testing_support::new_counts;
  if (anew) counts.peak = counts.live;
  return static_cast<std::size_t>(counts.peak);
#endif
}

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

MemoryLimit::MemoryLimit(std::size_t input)
    : allowed_(kPerByte * input + kAllowance), heap_(heap_in_use()), peak_(peak_since(true)) {}

void MemoryLimit::check() const {
  require(heap_in_use() <= heap_ + allowed_, "a small input holds much memory");
  require(peak_since(false) <= peak_ + allowed_, "a small input took much memory");
}

}  // namespace lamellar::fuzz

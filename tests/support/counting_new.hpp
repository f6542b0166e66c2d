#pragma once
// Replaces operator new of the whole program by one that counts. Include it in exactly one source
// file of a test binary.
// THREADS: each thread has its own counts; memory freed by another thread lowers that one's.
// Under clang's thread sanitizer, whose operator new cannot be replaced, nothing is counted.

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "base/core/sanitizers.hpp"

namespace lamellar::testing_support {

struct NewCounts {
  std::int64_t live = 0;  // UNITS: usable bytes, as malloc gave them
  std::int64_t peak = 0;
  std::uint64_t calls = 0;
};
inline thread_local NewCounts new_counts;

// Memory of this thread since it was made.
class PeakMemory {
 public:
  PeakMemory() : start_(new_counts.live), calls_(new_counts.calls) {
    new_counts.peak = new_counts.live;
  }
  // UNITS: bytes, highest so far.
  std::size_t peak() const { return static_cast<std::size_t>(new_counts.peak - start_); }
  std::uint64_t calls() const { return new_counts.calls - calls_; }

 private:
  std::int64_t start_;
  std::uint64_t calls_;
};

inline void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  new_counts.live += static_cast<std::int64_t>(malloc_usable_size(memory));
  new_counts.peak = std::max(new_counts.peak, new_counts.live);
  ++new_counts.calls;
  return memory;
}

inline void uncounted(void* memory) noexcept {
  if (memory != nullptr) new_counts.live -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

inline std::size_t rounded(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace lamellar::testing_support

#if !defined(__clang__) || !defined(LAMELLAR_THREAD_SANITIZER)

// Not inlined: seen together, the compiler takes malloc and operator delete for a mismatch.
#define LAMELLAR_NOINLINE __attribute__((noinline))

LAMELLAR_NOINLINE void* operator new(std::size_t size) {
  return lamellar::testing_support::counted(std::malloc(size == 0 ? 1 : size));
}
LAMELLAR_NOINLINE void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return lamellar::testing_support::counted(
      std::aligned_alloc(align, lamellar::testing_support::rounded(size == 0 ? 1 : size, align)));
}
LAMELLAR_NOINLINE void operator delete(void* memory) noexcept {
  lamellar::testing_support::uncounted(memory);
}
LAMELLAR_NOINLINE void operator delete(void* memory, std::align_val_t) noexcept {
  lamellar::testing_support::uncounted(memory);
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}
void operator delete[](void* memory, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}
#undef LAMELLAR_NOINLINE

#endif

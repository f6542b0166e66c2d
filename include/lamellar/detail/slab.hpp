#pragma once
// Small cells that come and go with messages and coroutine frames: per-thread lists by size class,
// so that the common case takes no lock and calls no allocator. What was needed once is kept.
// THREADS: any; a cell may be given back on another thread than it was taken on.

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <lamellar/export.hpp>

namespace lamellar::detail {

struct SlabCell {
  SlabCell* next;
  SlabCell* next_magazine;  // of the first cell of one that no thread has
};
struct SlabMagazine {
  // REQUIRES: not empty.
  SlabCell* pop() noexcept {
    SlabCell* const cell = first;
    first = cell->next;
    --count;
    return cell;
  }
  void push(void* memory) noexcept {
    auto* const cell = static_cast<SlabCell*>(memory);
    cell->next = first;
    first = cell;
    ++count;
  }

  SlabCell* first = nullptr;
  std::uint32_t count = 0;
  std::uint32_t room = 0;  // a thread's: cells it holds before it is full; 0: give them elsewhere
};

inline constexpr std::size_t kSlabStep = 32;
inline constexpr std::size_t kSlabClasses = 32;  // up to 1024 bytes

// The calling thread's, by size class. The library makes room in them: they stay empty where it
// pools nothing, whatever the caller was compiled with, and once the thread is ending.
extern LAMELLAR_API constinit thread_local SlabMagazine t_slab_magazines[kSlabClasses]
    __attribute__((tls_model("initial-exec")));

// Where the thread's magazine has no cell, no room, or the size has none.
LAMELLAR_API void* slab_take_anew(std::size_t size);
LAMELLAR_API void slab_give_elsewhere(void* cell, std::size_t size) noexcept;

constexpr std::size_t slab_class(std::size_t size) noexcept {
  return size == 0 ? 0 : (size - 1) / kSlabStep;
}

// clang keeps a thread_local's address over a co_await: there the library does it all.
#if defined(__clang__)
inline constexpr bool kSlabInline = false;
#else
inline constexpr bool kSlabInline = true;
#endif

// `size` bytes aligned to max_align_t. ERRORS: std::bad_alloc.
inline void* slab_take(std::size_t size) {
  const std::size_t index = slab_class(size);
  if (!kSlabInline || index >= kSlabClasses) return slab_take_anew(size);
  SlabMagazine& current = t_slab_magazines[index];
  if (current.count == 0) [[unlikely]]
    return slab_take_anew(size);
  SlabCell* const cell = current.pop();
  __builtin_prefetch(current.first, 1);  // for the next one
  return cell;
}

// `size` as it was taken.
inline void slab_give(void* cell, std::size_t size) noexcept {
  const std::size_t index = slab_class(size);
  if (!kSlabInline || index >= kSlabClasses) return slab_give_elsewhere(cell, size);
  SlabMagazine& current = t_slab_magazines[index];
  if (current.count >= current.room) [[unlikely]]
    return slab_give_elsewhere(cell, size);
  current.push(cell);
}

template <class T, class... Args>
T* slab_new(Args&&... args) {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  void* cell = slab_take(sizeof(T));
  try {
    return new (cell) T(std::forward<Args>(args)...);
  } catch (...) {
    slab_give(cell, sizeof(T));
    throw;
  }
}

template <class T>
void slab_delete(T* object) noexcept {
  object->~T();
  slab_give(object, sizeof(T));
}

}  // namespace lamellar::detail

#pragma once
// Small cells that come and go with messages and coroutine frames: per-thread lists by size class,
// so that the common case takes no lock and calls no allocator. What was needed once is kept.
// THREADS: any; a cell may be given back on another thread than it was taken on.

#include <cstddef>
#include <new>
#include <utility>

#include <lamellar/export.hpp>

namespace lamellar::detail {

// `size` bytes aligned to max_align_t. ERRORS: std::bad_alloc.
LAMELLAR_API void* slab_take(std::size_t size);
// `size` as it was taken.
LAMELLAR_API void slab_give(void* cell, std::size_t size) noexcept;

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

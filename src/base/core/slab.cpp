#include <array>
#include <cstdint>
#include <lamellar/detail/slab.hpp>
#include <mutex>
#include <utility>

#include "base/core/sanitizers.hpp"

// Per thread and size class two magazines of cells, as in Bonwick, Adams, "Magazines and Vmem"
// (USENIX 2001): full ones go to a depot that all threads share and come back from there. So a
// thread that frees what others allocate pays a lock once in kMagazine cells.

namespace lamellar::detail {
namespace {

// Address sanitizer must see every cell come and go.
#if defined(LAMELLAR_ADDRESS_SANITIZER)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

constexpr std::uint32_t kMagazine = 256;   // cells
constexpr std::size_t kChunk = 64 * 1024;  // bytes that are taken at once and cut into cells

using Cell = SlabCell;
using Magazine = SlabMagazine;

// Of one size class. What is here stays: a program that needed it once will again.
class Depot {
 public:
  void put(const Magazine& magazine) noexcept {
    if (magazine.count == 0) return;
    const std::lock_guard lock(mutex_);
    magazine.first->next_magazine = first_;
    first_ = magazine.first;
  }
  // Empty when there is none. Those of threads that ended may be short.
  Magazine get() noexcept {
    Magazine magazine;
    {
      const std::lock_guard lock(mutex_);
      if (first_ == nullptr) return magazine;
      magazine.first = first_;
      first_ = first_->next_magazine;
    }
    for (const Cell* cell = magazine.first; cell != nullptr; cell = cell->next) ++magazine.count;
    return magazine;
  }

 private:
  std::mutex mutex_;
  Cell* first_ = nullptr;
};

constinit std::array<Depot, kSlabClasses> g_depots;

// What a thread has besides the magazines that the header uses.
struct Spares {
  std::array<Magazine, kSlabClasses> full;
  bool closed = false;  // the thread is ending
};
constinit thread_local Spares t_spares __attribute__((tls_model("initial-exec")));

Magazine take_all(Magazine& from) noexcept {
  return {std::exchange(from.first, nullptr), std::exchange(from.count, 0), 0};
}
void fill(Magazine& empty, const Magazine& with) noexcept {
  empty.first = with.first;
  empty.count = with.count;
}

// Made by the first cells a thread takes or gives; empties its magazines at the thread's end.
struct Membership {
  Membership() noexcept { make_room(kMagazine); }
  ~Membership() {
    t_spares.closed = true;
    make_room(0);
    for (std::size_t i = 0; i < kSlabClasses; ++i) {
      g_depots[i].put(take_all(t_slab_magazines[i]));
      g_depots[i].put(take_all(t_spares.full[i]));
    }
  }
  static void make_room(std::uint32_t cells) noexcept {
    for (Magazine& magazine : t_slab_magazines) magazine.room = cells;
  }
};
void join_pool() { static thread_local const Membership membership; }

Magazine cut_new_cells(std::size_t index) {
  const std::size_t size = (index + 1) * kSlabStep;
  auto* const chunk = static_cast<std::byte*>(::operator new(kChunk, std::align_val_t{kSlabStep}));
  Magazine magazine;
  for (std::size_t at = kChunk / size * size; at >= size; at -= size)
    magazine.push(chunk + at - size);
  return magazine;
}

}  // namespace

constinit thread_local SlabMagazine t_slab_magazines[kSlabClasses]
    __attribute__((tls_model("initial-exec"))) = {};

void* slab_take_anew(std::size_t size) {
  const std::size_t index = slab_class(size);
  if (!kPooled || index >= kSlabClasses) return ::operator new(size);
  Magazine& current = t_slab_magazines[index];
  if (current.count == 0) {
    join_pool();
    fill(current, take_all(t_spares.full[index]));
  }
  if (current.count == 0) fill(current, g_depots[index].get());
  if (current.count == 0) fill(current, cut_new_cells(index));
  Cell* const cell = current.pop();
  if (t_spares.closed) g_depots[index].put(take_all(current));
  return cell;
}

void slab_give_elsewhere(void* cell, std::size_t size) noexcept {
  const std::size_t index = slab_class(size);
  if (!kPooled || index >= kSlabClasses) return ::operator delete(cell);
  if (t_spares.closed) {
    Magazine alone;
    alone.push(cell);
    return g_depots[index].put(alone);
  }
  join_pool();
  Magazine& current = t_slab_magazines[index];
  if (current.count >= kMagazine) {
    g_depots[index].put(take_all(t_spares.full[index]));
    fill(t_spares.full[index], take_all(current));
  }
  current.push(cell);
}

}  // namespace lamellar::detail

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

constexpr std::size_t kStep = 32;
constexpr std::size_t kClasses = 32;        // up to 1024 bytes
constexpr std::uint32_t kMagazine = 256;    // cells
constexpr std::size_t kChunk = 64 * 1024;   // bytes that are taken at once and cut into cells

struct Cell {
  Cell* next;
  Cell* next_magazine;  // in the depot; of the first cell
};

struct Magazine {
  Cell* first = nullptr;
  std::uint32_t count = 0;
};

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

constinit std::array<Depot, kClasses> g_depots;

struct Lists {
  std::array<Magazine, kClasses> current;
  std::array<Magazine, kClasses> spare;
  bool closed = false;  // the thread is ending
};
// initial-exec: reached without a call.
constinit thread_local Lists t_lists __attribute__((tls_model("initial-exec")));

// Made by the first cells a thread takes or gives; empties its lists at the thread's end.
struct AtThreadEnd {
  ~AtThreadEnd() {
    t_lists.closed = true;
    for (std::size_t i = 0; i < kClasses; ++i) {
      g_depots[i].put(std::exchange(t_lists.current[i], {}));
      g_depots[i].put(std::exchange(t_lists.spare[i], {}));
    }
  }
};
void empty_at_thread_end() { static thread_local const AtThreadEnd at_end; }

constexpr std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

Magazine cut_new_cells(std::size_t index) {
  const std::size_t size = (index + 1) * kStep;
  auto* const chunk = static_cast<std::byte*>(::operator new(kChunk, std::align_val_t{kStep}));
  Magazine magazine;
  for (std::size_t at = kChunk / size * size; at >= size; at -= size) {
    auto* const cell = reinterpret_cast<Cell*>(chunk + at - size);
    cell->next = magazine.first;
    magazine.first = cell;
    ++magazine.count;
  }
  return magazine;
}

// The common case of both sides is a handful of instructions; these are not part of it.
[[gnu::noinline]] void* take_anew(Lists& mine, std::size_t index) {
  empty_at_thread_end();
  Magazine& current = mine.current[index];
  std::swap(current, mine.spare[index]);
  if (current.count == 0) current = g_depots[index].get();
  if (current.count == 0) current = cut_new_cells(index);
  Cell* const cell = current.first;
  current.first = cell->next;
  --current.count;
  return cell;
}

void put_first(Magazine& magazine, Cell* cell) noexcept {
  cell->next = magazine.first;
  magazine.first = cell;
  ++magazine.count;
}

// The magazine is empty or full, or the thread is ending: then it is empty, and stays so.
[[gnu::noinline]] void give_elsewhere(Lists& mine, std::size_t index, Cell* cell) noexcept {
  if (mine.closed) {
    cell->next = nullptr;
    return g_depots[index].put({cell, 1});
  }
  empty_at_thread_end();
  Magazine& current = mine.current[index];
  if (current.count != 0)
    g_depots[index].put(std::exchange(mine.spare[index], std::exchange(current, {})));
  put_first(current, cell);
}

}  // namespace

void* slab_take(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!kPooled || index >= kClasses) return ::operator new(size);
  Lists& mine = t_lists;
  Magazine& current = mine.current[index];
  if (current.count == 0) [[unlikely]]
    return take_anew(mine, index);
  Cell* const cell = current.first;
  current.first = cell->next;
  __builtin_prefetch(cell->next, 1);  // for the next one
  --current.count;
  return cell;
}

void slab_give(void* cell, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (!kPooled || index >= kClasses) return ::operator delete(cell);
  Lists& mine = t_lists;
  Magazine& current = mine.current[index];
  if (current.count - 1 >= kMagazine - 1) [[unlikely]]  // 0, or kMagazine and more
    return give_elsewhere(mine, index, static_cast<Cell*>(cell));
  put_first(current, static_cast<Cell*>(cell));
}

}  // namespace lamellar::detail

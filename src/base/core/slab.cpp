#include <array>
#include <cstdint>
#include <lamellar/detail/slab.hpp>

namespace lamellar::detail {
namespace {

// Address sanitizer must see every cell come and go.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 16;   // up to 1024 bytes
constexpr std::uint32_t kKeep = 256;   // cells a thread keeps of a class

struct Cell {
  Cell* next;
};

struct FreeLists {
  std::array<Cell*, kClasses> head{};
  std::array<std::uint32_t, kClasses> count{};
  bool closed = false;  // the thread is ending
  ~FreeLists() {
    closed = true;
    for (Cell*& first : head) {
      while (first != nullptr) {
        Cell* next = first->next;
        ::operator delete(first);
        first = next;
      }
    }
  }
};

FreeLists& free_lists() noexcept {
  static thread_local FreeLists lists;
  return lists;
}

constexpr std::size_t class_of(std::size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

}  // namespace

void* slab_take(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!kPooled || index >= kClasses) return ::operator new(size);
  FreeLists& lists = free_lists();
  if (Cell* cell = lists.head[index]; cell != nullptr) {
    lists.head[index] = cell->next;
    --lists.count[index];
    return cell;
  }
  return ::operator new((index + 1) * kStep);
}

void slab_give(void* cell, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (!kPooled || index >= kClasses) return ::operator delete(cell);
  FreeLists& lists = free_lists();
  if (lists.closed || lists.count[index] == kKeep) return ::operator delete(cell);
  auto* first = static_cast<Cell*>(cell);
  first->next = lists.head[index];
  lists.head[index] = first;
  ++lists.count[index];
}

}  // namespace lamellar::detail

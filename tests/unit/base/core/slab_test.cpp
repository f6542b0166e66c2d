#include <gtest/gtest.h>

#include <lamellar/detail/slab.hpp>

namespace lamellar::detail {
namespace {

TEST(Slab, EverySizeIsAlignedAndWritable) {
  std::vector<std::pair<void*, std::size_t>> cells;
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 128u, 1023u, 1024u, 1025u, 5000u})
    for (int i = 0; i < 3; ++i) {
      void* const cell = slab_take(size);
      EXPECT_EQ(0u, reinterpret_cast<std::uintptr_t>(cell) % alignof(std::max_align_t)) << size;
      std::memset(cell, i, size);
      cells.emplace_back(cell, size);
    }
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (std::size_t at = 0; at < cells[i].second; ++at)
      ASSERT_EQ(i % 3, static_cast<const unsigned char*>(cells[i].first)[at]);
  for (const auto& [cell, size] : cells) slab_give(cell, size);
}

struct Throwing {
  explicit Throwing(bool throws) {
    if (throws) throw std::runtime_error("in the constructor");
  }
};

TEST(Slab, NewAndDelete) {
  auto* const text = slab_new<std::string>(100, 'x');
  EXPECT_EQ(std::string(100, 'x'), *text);
  slab_delete(text);
  slab_delete(slab_new<Throwing>(false));
  EXPECT_THROW(slab_new<Throwing>(true), std::runtime_error);
}

// Cells are taken on one thread and given back on another, more of them than a thread keeps.
TEST(Slab, CellsTravelBetweenThreads) {
  constexpr int kRounds = 20;
  constexpr std::size_t kCells = 600;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::uint64_t*> cells;
    std::thread taker([&] {
      for (std::size_t i = 0; i < kCells; ++i) cells.push_back(slab_new<std::uint64_t>(i));
    });
    taker.join();
    std::thread giver([&] {
      for (std::size_t i = 0; i < kCells; ++i) {
        ASSERT_EQ(i, *cells[i]);
        slab_delete(cells[i]);
      }
    });
    giver.join();
  }
}

// A thread-local that ends after the free lists still gives its cell back.
TEST(Slab, CellsAreGivenBackWhileTheThreadEnds) {
  struct Holder {
    std::uint64_t* cell = nullptr;
    ~Holder() {
      if (cell != nullptr) slab_delete(cell);
    }
  };
  std::thread thread([] {
    static thread_local Holder holder;
    static_cast<void>(&holder);  // made first, ends last
    holder.cell = slab_new<std::uint64_t>(1);
  });
  thread.join();
}

}  // namespace
}  // namespace lamellar::detail

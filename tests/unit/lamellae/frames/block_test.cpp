// The memory of a PE's transport: where things lie in it, and that it may lie anywhere.
#include "lamellae/frames/block.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <memory>
#include <vector>

namespace lamellar::lamellae {
namespace {

constexpr Lane kBoth[] = {Lane::kRequest, Lane::kReply};

struct FreeAligned {
  void operator()(std::byte* bytes) const { ::operator delete(bytes, std::align_val_t{4096}); }
};
using Memory = std::unique_ptr<std::byte, FreeAligned>;

Memory zeroed(std::size_t bytes) {
  Memory memory(static_cast<std::byte*>(::operator new(bytes, std::align_val_t{4096})));
  std::memset(memory.get(), 0, bytes);
  return memory;
}

std::uint32_t free_in(const Block& block, const BlockShape& shape, Lane lane) {
  std::uint32_t count = 0;
  for (std::uint32_t w = 0; w < words_for(shape.frames[static_cast<std::size_t>(lane)]); ++w)
    count += static_cast<std::uint32_t>(std::popcount(block.free_words(lane)[w].load()));
  return count;
}

TEST(BlockShape, SplitsThePoolAndKeepsTwoFramesForReplies) {
  for (const std::uint32_t pool : {4u, 5u, 7u, 8u, 9u, 64u, 100u, 257u, 1024u}) {
    const auto shape = BlockShape::of(3, 1000, pool, 42);
    EXPECT_EQ(shape.frames[0] + shape.frames[1], pool);
    EXPECT_EQ(shape.frames[1], std::max(2u, pool / 4));
    EXPECT_GE(shape.frames[0], 2u);
    EXPECT_EQ(shape.all_frames(), pool);
    EXPECT_EQ(shape.frame_bytes, 1024u);
    EXPECT_EQ(shape.ready[0], shape.frames[0]);
    EXPECT_EQ(shape.ready[1], shape.frames[1]);
    EXPECT_EQ(shape.job_nonce, 42u);
  }
}

TEST(BlockShapeDeathTest, RefusesPoolsBelowFour) {
  EXPECT_DEATH(static_cast<void>(BlockShape::of(2, 1024, 3, 0)), "a pool needs four frames");
}

TEST(Block, ItsPartsAreAlignedAndDoNotOverlap) {
  for (const Pe pes : {1u, 2u, 17u, 1000u})
    for (const std::uint32_t pool : {4u, 63u, 64u, 65u, 129u, 300u}) {
      const auto shape = BlockShape::of(pes, 512, pool, 1);
      const Memory memory = zeroed(Block::bytes(shape));
      std::byte* const base = memory.get();
      const Block block(base, shape);
      std::vector<std::pair<std::byte*, std::byte*>> parts{{base, base + sizeof(BlockHead)}};
      const auto add = [&](const void* from, std::size_t bytes) {
        auto* const at = static_cast<std::byte*>(const_cast<void*>(from));
        parts.emplace_back(at, at + bytes);
      };
      add(&block.in_flight(Lane::kRequest, 0), 2 * pes * sizeof(std::atomic<std::uint32_t>));
      EXPECT_EQ(&block.in_flight(Lane::kReply, pes - 1) - &block.in_flight(Lane::kRequest, 0),
                static_cast<std::ptrdiff_t>(2 * pes - 1));
      for (const Lane lane : kBoth)
        add(block.free_words(lane), 8 * words_for(shape.frames[static_cast<std::size_t>(lane)]));
      for (std::uint32_t i = 0; i < pool; ++i) add(&block.control(i), sizeof(FrameControl));
      for (std::uint32_t i = 0; i < pool; ++i) add(block.frame(i), shape.frame_bytes);
      for (std::size_t i = 1; i < parts.size(); ++i)
        ASSERT_LE(parts[i - 1].second, parts[i].first) << "part " << i;
      EXPECT_EQ(parts.back().second, base + Block::bytes(shape));
      EXPECT_EQ((block.frame(0) - base) % 4096, 0);
      for (std::uint32_t i = 0; i < pool; ++i) {
        ASSERT_EQ((reinterpret_cast<std::byte*>(&block.control(i)) - base) % 64, 0);
        ASSERT_EQ((block.frame(i) - base) % 64, 0);
        ASSERT_EQ(block.payload(i) - block.frame(i), 32);
        ASSERT_EQ(base + block.frame_offset(i), block.frame(i));
      }
    }
}

TEST(Block, StartsWithAllReadyFramesFreeAndNothingElse) {
  for (std::uint32_t pool = 4; pool < 300; pool += 7) {
    auto shape = BlockShape::of(2, 64, pool, 1);
    if (pool % 2 == 0) shape.ready[0] = shape.frames[0] / 2;
    const Memory memory = zeroed(Block::bytes(shape));
    Block::construct(memory.get(), shape);
    const Block block(memory.get(), shape);
    for (const Lane lane : kBoth) {
      EXPECT_EQ(free_in(block, shape, lane), shape.ready[static_cast<std::size_t>(lane)]);
      for (Pe pe = 0; pe < 2; ++pe) EXPECT_EQ(block.in_flight(lane, pe).load(), 0u);
    }
    EXPECT_EQ(block.head().inbox.load(), 0u);
    EXPECT_EQ(block.head().want_frames.load(), 0u);
    EXPECT_EQ(block.head().failed.load(), 0u);
    EXPECT_EQ(block.head().doorbell.waiters.load(), 0u);
    for (std::uint32_t i = 0; i < pool; ++i) EXPECT_EQ(block.control(i).state.load(), 0u);
  }
}

TEST(Block, ReleasesFramesAcrossWords) {
  auto shape = BlockShape::of(2, 64, 400, 1);
  shape.ready[0] = 0;
  const Memory memory = zeroed(Block::bytes(shape));
  Block::construct(memory.get(), shape);
  const Block block(memory.get(), shape);
  std::uint32_t ready = 0;
  for (const std::uint32_t more : {1u, 62u, 1u, 1u, 64u, 130u}) {
    block.release_frames(Lane::kRequest, ready, ready + more);
    ready += more;
    EXPECT_EQ(free_in(block, shape, Lane::kRequest), ready);
    EXPECT_EQ(block.head().ready[0].load(), ready);
  }
  EXPECT_EQ(free_in(block, shape, Lane::kReply), shape.frames[1]);
}

TEST(Block, HasNoAddressesInside) {
  const auto shape = BlockShape::of(4, 256, 16, 7);
  const Memory here = zeroed(Block::bytes(shape));
  const Memory there = zeroed(Block::bytes(shape));
  Block::construct(here.get(), shape);
  Block::construct(there.get(), shape);
  EXPECT_EQ(std::memcmp(here.get(), there.get(), Block::bytes(shape)), 0);
}

}  // namespace
}  // namespace lamellar::lamellae

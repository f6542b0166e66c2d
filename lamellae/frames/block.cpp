#include "lamellae/frames/block.hpp"

#include <algorithm>
#include <new>

#include "base/core/assert.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kBlockMagic = 0x31304b4c424c4cu;  // "LLBLK01"
constexpr std::size_t align64(std::size_t n) { return (n + 63) & ~std::size_t{63}; }

}  // namespace

BlockShape BlockShape::of(Pe num_pes, std::uint32_t frame_bytes, std::uint32_t pool,
                          std::uint64_t job_nonce) {
  LAMELLAR_CHECK(pool >= 4, "a pool needs four frames");
  BlockShape shape;
  shape.num_pes = num_pes;
  shape.frame_bytes = static_cast<std::uint32_t>(align64(frame_bytes));
  const std::uint32_t replies = std::max(2u, pool / 4);
  shape.frames[static_cast<std::size_t>(Lane::kRequest)] = pool - replies;
  shape.frames[static_cast<std::size_t>(Lane::kReply)] = replies;
  shape.ready[0] = shape.frames[0];
  shape.ready[1] = shape.frames[1];
  shape.job_nonce = job_nonce;
  return shape;
}

Block::Offsets Block::offsets(const BlockShape& shape) noexcept {
  Offsets at{};
  at.in_flight = align64(sizeof(BlockHead));
  constexpr std::size_t word = sizeof(std::atomic<std::uint32_t>);
  const Pe eager_pes = shape.num_pes <= kMostEagerPes ? shape.num_pes : 0;
  at.eager_taken = at.in_flight + align64(kLanes * shape.num_pes * word);
  at.eager = (at.eager_taken + eager_pes * word + 127) & ~std::size_t{127};
  std::size_t end = at.eager + eager_pes * sizeof(EagerSlot);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    at.free[lane] = end;
    end += align64(words_for(shape.frames[lane]) * sizeof(std::atomic<std::uint64_t>));
  }
  at.control = end;
  end += shape.all_frames() * sizeof(FrameControl);
  at.frames = (end + 4095) & ~std::size_t{4095};
  at.end = at.frames + std::size_t{shape.all_frames()} * shape.frame_bytes;
  return at;
}

Block::Block(std::byte* base, const BlockShape& shape) noexcept
    : base_(base),
      at_(offsets(shape)),
      frame_bytes_(shape.frame_bytes),
      num_pes_(shape.num_pes) {}

std::size_t Block::bytes(const BlockShape& shape) noexcept { return offsets(shape).end; }

void Block::construct(std::byte* base, const BlockShape& shape) noexcept {
  const Block block(base, shape);
  new (base) BlockHead();
  block.head().magic = kBlockMagic;
  for (Pe pe = 0; pe < shape.num_pes; ++pe)
    for (const Lane lane : {Lane::kRequest, Lane::kReply})
      new (&block.in_flight(lane, pe)) std::atomic<std::uint32_t>(0);
  for (Pe pe = 0; block.has_eager() && pe < shape.num_pes; ++pe) {
    new (&block.eager_slot(pe)) EagerSlot();
    new (&block.eager_taken(pe)) std::atomic<std::uint32_t>(0);
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    auto* words = block.free_words(static_cast<Lane>(lane));
    for (std::uint32_t w = 0; w < words_for(shape.frames[lane]); ++w)
      new (&words[w]) std::atomic<std::uint64_t>(0);
    block.release_frames(static_cast<Lane>(lane), 0, shape.ready[lane]);
  }
  for (std::uint32_t i = 0; i < shape.all_frames(); ++i) new (&block.control(i)) FrameControl();
}

std::atomic<std::uint64_t>* Block::free_words(Lane lane) const noexcept {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(base_ +
                                                       at_.free[static_cast<std::size_t>(lane)]);
}

void Block::release_frames(Lane lane, std::uint32_t from, std::uint32_t to) const noexcept {
  for (std::uint32_t bit = from; bit < to; ++bit)
    free_words(lane)[bit / 64].fetch_or(std::uint64_t{1} << (bit % 64));
  head().ready[static_cast<std::size_t>(lane)].store(to);
}

}  // namespace lamellar::lamellae

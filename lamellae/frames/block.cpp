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
  shape.job_nonce = job_nonce;
  return shape;
}

Block::Offsets Block::offsets(const BlockShape& shape) noexcept {
  Offsets at{};
  at.in_flight = align64(sizeof(BlockHead));
  std::size_t end =
      at.in_flight + align64(kLanes * shape.num_pes * sizeof(std::atomic<std::uint32_t>));
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
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    std::uint32_t left = shape.frames[lane];
    auto* words = block.free_words(static_cast<Lane>(lane));
    for (std::uint32_t w = 0; w < words_for(shape.frames[lane]); ++w) {
      const std::uint32_t here = std::min(left, 64u);
      new (&words[w]) std::atomic<std::uint64_t>(
          here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1);
      left -= here;
    }
  }
  for (std::uint32_t i = 0; i < shape.all_frames(); ++i) new (&block.control(i)) FrameControl();
}

std::atomic<std::uint32_t>& Block::in_flight(Lane lane, Pe destination) const noexcept {
  auto* counts = reinterpret_cast<std::atomic<std::uint32_t>*>(base_ + at_.in_flight);
  return counts[static_cast<std::size_t>(lane) * num_pes_ + destination];
}

std::atomic<std::uint64_t>* Block::free_words(Lane lane) const noexcept {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(base_ +
                                                       at_.free[static_cast<std::size_t>(lane)]);
}

FrameControl& Block::control(std::uint32_t frame) const noexcept {
  return reinterpret_cast<FrameControl*>(base_ + at_.control)[frame];
}

std::byte* Block::frame(std::uint32_t frame) const noexcept {
  return base_ + at_.frames + std::size_t{frame} * frame_bytes_;
}

}  // namespace lamellar::lamellae

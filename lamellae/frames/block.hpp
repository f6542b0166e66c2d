#pragma once
// The memory of one PE's transport: its frames, its inbox, its doorbell. Plain bytes with offsets
// and no pointers, so that it can lie at any address, in this process or mapped from another.
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <lamellar/types.hpp>

#include "base/clock/event_count.hpp"
#include "base/wire/wire.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::lamellae {

struct BlockShape {
  Pe num_pes = 1;
  std::uint32_t frame_bytes = 0;  // of the whole frame, header included; a multiple of 64
  std::uint32_t frames[kLanes] = {0, 0};
  std::uint32_t ready[kLanes] = {0, 0};  // of them usable from the start; the others need memory
  std::uint64_t job_nonce = 0;

  std::uint32_t all_frames() const noexcept { return frames[0] + frames[1]; }
  // Splits a pool: a quarter, at least two, for replies. `pool` >= 4. All frames ready.
  static BlockShape of(Pe num_pes, std::uint32_t frame_bytes, std::uint32_t pool,
                       std::uint64_t job_nonce);
};

// What is known of a frame outside of its bytes.
struct FrameControl {
  // The owner's line.
  alignas(64) std::atomic<std::uint32_t> committed{0};
  std::uint32_t destination = 0;
  Lane lane = Lane::kRequest;
  // The line both sides meet on. state = life << 2 | sealed << 1 | queued.
  alignas(64) std::atomic<std::uint32_t> state{0};
  std::atomic<std::uint32_t> consumed{0};  // written by the receiver
  std::uint64_t next = 0;                  // link of the inbox: 1 + frame address, 0 = end
  RunState run;
  bool refused = false;                    // the receiver's: broken, the rest is not read either
};
static_assert(sizeof(FrameControl) == 128);

// One small record on its way from one PE to another; it lies in the receiver's block. Only the
// sender writes here: what the receiver has taken is counted elsewhere, so that in a ping-pong each
// line crosses once. `acked` spares the sender the look there: it rides with what goes back.
struct alignas(128) EagerSlot {
  std::atomic<std::uint32_t> posted{0};  // records posted so far; stored last, with release
  std::uint32_t acked = 0;               // records of the receiver that the sender has taken
  std::uint32_t bytes = 0;
  std::atomic<Lane> lane{Lane::kRequest};  // whoever wants replies only looks before it takes
  alignas(8) std::byte record[112] = {};
};
static_assert(sizeof(EagerSlot) == 128);

// With more PEs looking at each one's slot would cost more than it saves.
inline constexpr Pe kMostEagerPes = 16;

inline constexpr std::uint32_t kLeft = 1000;    // BlockHead::ended: it left in order
inline constexpr std::uint32_t kExited = 2000;  // exit(status) while the job ran: + status

inline constexpr std::uint32_t kQueued = 1;  // in an inbox, or in the hands of its receiver
inline constexpr std::uint32_t kSealed = 2;  // the owner is done with it
constexpr std::uint32_t life_of(std::uint32_t state) { return state >> 2; }

struct BlockHead {
  alignas(64) std::uint64_t magic = 0;
  alignas(64) std::atomic<std::uint64_t> inbox{0};  // frames pushed for this PE, newest first
  alignas(64) base::EventCount doorbell;
  alignas(64) std::atomic<std::uint32_t> want_frames{0};
  std::atomic<std::uint32_t> ready[kLanes] = {0, 0};  // frames that have memory, of each lane
  // In PE 0's block only: 0 none, 1 being written, 2 there.
  alignas(64) std::atomic<std::uint32_t> failed{0};
  FailureNote failure;
  // How this PE ended, for those who outlive it: 0 it runs, kLeft, a signal, or kExited + status.
  alignas(64) std::atomic<std::uint32_t> ended{0};
  std::atomic<std::uint32_t> departed{0};  // 1: it reads nothing any more
};

// A view of a block at some address. Cheap to copy; holds no state of its own.
class Block {
 public:
  Block() = default;
  Block(std::byte* base, const BlockShape& shape) noexcept;

  static std::size_t bytes(const BlockShape& shape) noexcept;
  // Builds the block in zeroed memory, aligned to 128.
  static void construct(std::byte* base, const BlockShape& shape) noexcept;

  BlockHead& head() const noexcept { return *reinterpret_cast<BlockHead*>(base_); }
  std::atomic<std::uint32_t>& in_flight(Lane lane, Pe destination) const noexcept {
    auto* counts = reinterpret_cast<std::atomic<std::uint32_t>*>(base_ + at_.in_flight);
    return counts[static_cast<std::size_t>(lane) * num_pes_ + destination];
  }
  // REQUIRES: has_eager(). The slot in which `source` posts for this PE, and how many records of it
  // this PE has taken.
  EagerSlot& eager_slot(Pe source) const noexcept {
    return reinterpret_cast<EagerSlot*>(base_ + at_.eager)[source];
  }
  std::atomic<std::uint32_t>& eager_taken(Pe source) const noexcept {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(base_ + at_.eager_taken)[source];
  }
  bool has_eager() const noexcept { return num_pes_ <= kMostEagerPes; }
  // Words of the free-frame bitmap of a lane; a set bit is a free frame.
  std::atomic<std::uint64_t>* free_words(Lane lane) const noexcept;
  FrameControl& control(std::uint32_t frame) const noexcept {
    return reinterpret_cast<FrameControl*>(base_ + at_.control)[frame];
  }
  std::byte* frame(std::uint32_t frame) const noexcept { return base_ + frame_offset(frame); }
  std::size_t frame_offset(std::uint32_t frame) const noexcept {
    return at_.frames + std::size_t{frame} * frame_bytes_;
  }
  // Makes frames [from, to) of a lane free for the first time.
  void release_frames(Lane lane, std::uint32_t from, std::uint32_t to) const noexcept;
  wire::FrameHeader& header(std::uint32_t index) const noexcept {
    return *reinterpret_cast<wire::FrameHeader*>(frame(index));
  }
  std::byte* payload(std::uint32_t index) const noexcept {
    return frame(index) + sizeof(wire::FrameHeader);
  }

 private:
  struct Offsets {
    std::size_t in_flight, eager, eager_taken, free[kLanes], control, frames, end;
  };
  static Offsets offsets(const BlockShape& shape) noexcept;

  std::byte* base_ = nullptr;
  Offsets at_{};
  std::uint32_t frame_bytes_ = 0;
  Pe num_pes_ = 0;
};

constexpr std::uint32_t words_for(std::uint32_t frames) { return (frames + 63) / 64; }

}  // namespace lamellar::lamellae

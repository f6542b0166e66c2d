#pragma once
// The seam between those who move bytes and those who give them a meaning.
//
// CONTRACT: a frame accepted by a lamella (published or sealed) arrives exactly once, whole, in
// any order, or the peer is reported failed. Whoever sits above relies on that and nothing more.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include <lamellar/types.hpp>

#include "base/clock/event_count.hpp"

namespace lamellar::lamellae {

// Two kinds of frames with credits of their own, so that replies never wait for requests.
enum class Lane : std::uint16_t { kRequest = 0, kReply = 1 };
inline constexpr std::size_t kLanes = 2;

// Which lanes whoever polls wants to hear of just now.
enum class Take : std::uint8_t { kAll, kReplies };

// Names one life of one frame; a reference to an earlier life has no effect.
struct FrameRef {
  std::uint32_t index = 0;
  std::uint32_t life = 0;
};

// A frame its owner (one thread) appends to. LIFETIME: from try_open() until seal().
struct OpenFrame {
  std::byte* payload = nullptr;
  std::uint32_t capacity = 0;
  // Bytes that are complete, counted from payload. The owner stores it with release after each
  // record; it pairs with the receiver's acquire load.
  std::atomic<std::uint32_t>* committed = nullptr;
  FrameRef ref;
};

// Where the receiver of a frame stands in it; kept with the frame, because a frame may arrive in
// pieces (published prefixes). Owned by the sink; starts as zeros.
struct RunState {
  std::uint32_t body = 0;  // where the records of the run that is being read begin; 0 = none
};

// Bytes [from, to) of a frame's payload; `payload + 0` is where the frame begins.
struct Chunk {
  Pe source = 0;
  Lane lane = Lane::kRequest;
  const std::byte* payload = nullptr;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  RunState* state = nullptr;
  bool eager = false;  // one record that came in an eager slot, not in a frame
};

// The only door upward: bytes arrived.
class FrameSink {
 public:
  // LIFETIME: the bytes are valid during the call. THREADS: calls for different frames may come
  // from several threads at once, calls for one frame come one after the other.
  virtual void on_chunk(const Chunk& chunk) noexcept = 0;

 protected:
  ~FrameSink() = default;
};

struct Counters {
  std::uint64_t frames_opened = 0;
  std::uint64_t frames_handed_over = 0;  // pushes into an inbox: prefixes and sealed frames
  std::uint64_t frames_received = 0;     // whole frames consumed
  std::uint64_t chunks_received = 0;
  std::uint64_t bytes_received = 0;      // payload
  std::uint64_t eager_received = 0;      // records that came in eager slots
  std::uint64_t bytes_copied = 0;        // payload copied by the lamella itself
  std::uint64_t frames_refused = 0;      // arrived with a broken header and were dropped
  std::uint64_t wake_ups = 0;            // futex or fd events rung for this PE
  std::uint64_t sleeps = 0;              // times a thread of this PE went to sleep on the doorbell
};

// Why the job failed, as its PEs hear of it.
struct FailureNote {
  static constexpr std::size_t kLongest = 488;
  std::uint32_t pe = 0;
  std::uint32_t length = 0;
  char text[kLongest] = {};
};

class Lamella {
 public:
  virtual ~Lamella() = default;

  virtual Pe my_pe() const noexcept = 0;
  virtual Pe num_pes() const noexcept = 0;
  // Payload bytes of a frame, and how many frames this PE has for `lane`.
  virtual std::uint32_t frame_capacity() const noexcept = 0;
  virtual std::uint32_t frames(Lane lane) const noexcept = 0;
  // How many of them may be in flight to one destination.
  virtual std::uint32_t credits(Lane lane) const noexcept = 0;
  // Whether frames for the own PE go this way too.
  virtual bool reaches_itself() const noexcept { return false; }
  // Memory that its frames and buffers take when all are in use. UNITS: bytes.
  virtual std::uint64_t pool_bytes() const noexcept = 0;

  // Takes a free frame for `destination`. False when the lane's frames or the destination's
  // credits are used up. THREADS: any. BLOCKS: never.
  virtual bool try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept = 0;
  // Hands over what is committed so far; the frame stays open. THREADS: any, also with a
  // reference to an earlier life. BLOCKS: never.
  virtual void publish(FrameRef frame) noexcept = 0;
  // Hands over the rest; the owner must not touch the frame again. BLOCKS: never.
  virtual void seal(const OpenFrame& frame) noexcept = 0;
  // Gives back a frame of which nothing was committed and nothing published.
  virtual void discard(const OpenFrame& frame) noexcept = 0;

  // The latency path: room for one small record for `destination` that needs no frame. False when
  // the lamella has none, or it is in use: then a frame carries the record. What is claimed must be
  // posted (`bytes` were written, at least one) or unclaimed. It has no order with frames.
  // THREADS: any. BLOCKS: never.
  struct EagerRoom {
    std::byte* bytes = nullptr;
    std::uint32_t capacity = 0;
  };
  virtual bool try_claim_eager(Pe, EagerRoom&) noexcept { return false; }
  virtual void post_eager(Pe, Lane, std::uint32_t /*bytes*/) noexcept {}
  virtual void unclaim_eager(Pe) noexcept {}

  // Delivers at most one frame's news, and eager records, to `sink`; whether there was any. With
  // Take::kReplies what came in the request lane waits, and keeps its sender's credit.
  // THREADS: any. BLOCKS: never (but runs what the sink runs).
  virtual bool poll(FrameSink& sink, Take take = Take::kAll) noexcept = 0;
  // Whether something is known to wait for poll(), without looking for more. Costs a load.
  virtual bool has_arrived() const noexcept { return false; }
  // The look before sleeping on the doorbell, for what poll(sink, take) would deliver: when it says
  // no, what comes from now on rings. THREADS: any. BLOCKS: never.
  virtual bool has_incoming(Take take = Take::kAll) noexcept = 0;

  // Frames handed over to `destination` (or open for it) and not yet given back.
  virtual std::uint32_t in_flight(Pe destination, Lane lane) const noexcept = 0;
  // While set (counted), the doorbell rings when a frame of this PE comes back and no more than
  // half of that destination's credits are in flight.
  virtual void want_frames(bool wanted) noexcept = 0;

  // Rung by arriving bytes; also used by this PE's own threads to wake each other.
  virtual base::EventCount& doorbell() noexcept = 0;
  virtual base::FutexScope doorbell_scope() const noexcept = 0;

  // PE `culprit` fails the job: every PE's doorbell rings and its failure() says why. True for the
  // first caller of the job; later reasons are dropped. The first caller's `say` runs before
  // anybody hears of it: once one PE ends, its launcher may kill them all.
  // THREADS: any. BLOCKS: as `say` does.
  virtual bool announce_failure(Pe culprit, std::string_view why,
                                const std::function<void()>& say) noexcept = 0;
  // Null until somebody announced one. Costs one load.
  virtual const FailureNote* failure() const noexcept = 0;

  // After the job's last barrier: nobody sends any more. When it returns, what was handed over has
  // arrived everywhere. BLOCKS: until the others have called it too, or the job has failed.
  virtual void depart() noexcept {}
  // That PE has called depart(), as far as is known: what it has not read it does not need.
  virtual bool has_departed(Pe) const noexcept { return false; }

  virtual Counters counters() const noexcept = 0;
};

}  // namespace lamellar::lamellae

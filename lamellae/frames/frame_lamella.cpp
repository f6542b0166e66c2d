#include "lamellae/frames/frame_lamella.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>

#include "base/core/assert.hpp"
#include "base/log/log.hpp"
#include "lamellae/frames/planted.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t link_of(Pe pe, std::uint32_t frame) {
  return (std::uint64_t{pe} << 32 | frame) + 1;
}

constexpr std::uint32_t kGrowFrames = 32;

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.fetch_add(by, std::memory_order_relaxed);
}

// Where only one thread counts at a time.
void count_alone(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// Committed and not yet read; its owner's commits pair with the load.
bool has_news(const FrameControl& control) noexcept {
  return control.committed.load(std::memory_order_acquire) !=
         control.consumed.load(std::memory_order_relaxed);
}

}  // namespace

FrameLamella::FrameLamella(Pe my_pe, const BlockShape& shape,
                           const std::vector<std::byte*>& blocks, base::FutexScope scope,
                           std::shared_ptr<void> owner)
    : my_pe_(my_pe),
      shape_(shape),
      scope_(scope),
      owner_(std::move(owner)),
      numbers_(shape.num_pes) {
  std::iota(numbers_.begin(), numbers_.end(), Pe{0});
  LAMELLAR_CHECK(blocks.size() == shape.num_pes, "one block for every PE");
  for (std::byte* base : blocks) blocks_.emplace_back(base, shape);
  if (mine().has_eager()) eager_ = std::make_unique<EagerSender[]>(shape.num_pes);
}

void FrameLamella::belong_to(std::vector<Pe> numbers, Told told) {
  LAMELLAR_CHECK(numbers.size() == shape_.num_pes, "one number for every PE");
  numbers_ = std::move(numbers);
  told_ = std::move(told);
}

void FrameLamella::rebase(Pe pe, std::byte* base) noexcept { blocks_[pe] = Block(base, shape_); }

std::uint32_t FrameLamella::credits(Lane lane) const noexcept {
  const std::uint32_t all = frames(lane);
  if (shape_.num_pes <= 2) return all;
  return all < 4 ? 1 : all / 2;  // one slow destination leaves half of the frames to the others
}

// Never counts more than there are, not even for a moment: give_back() rings by this count.
bool FrameLamella::take_credit(Lane lane, Pe destination) noexcept {
  auto& in_flight = mine().in_flight(lane, destination);
  std::uint32_t now = in_flight.load();
  do {
    if (now >= credits(lane)) return false;
  } while (!in_flight.compare_exchange_weak(now, now + 1));
  return true;
}

bool FrameLamella::any_free(Lane lane) const noexcept {
  const auto* words = mine().free_words(lane);
  for (std::uint32_t w = 0; w < words_for(frames(lane)); ++w)
    if (words[w].load() != 0) return true;
  return false;
}

bool FrameLamella::take_free(Lane lane, std::uint32_t& index) noexcept {
  auto* words = mine().free_words(lane);
  const std::uint32_t first = lane == Lane::kRequest ? 0 : frames(Lane::kRequest);
  for (std::uint32_t w = 0; w < words_for(frames(lane)); ++w) {
    std::uint64_t free = words[w].load();
    while (free != 0) {
      const std::uint64_t bit = free & -free;
      free = words[w].fetch_and(~bit);  // pairs with give_back()
      if ((free & bit) != 0) {
        index = first + w * 64 + static_cast<std::uint32_t>(std::countr_zero(bit));
        return true;
      }
    }
  }
  return false;
}

// Memory for a chunk of frames more; false when there is none, or another thread is at it.
bool FrameLamella::grow(Lane lane) noexcept {
  auto& ready = mine().head().ready[static_cast<std::size_t>(lane)];
  const std::uint32_t from = ready.load();
  if (from == frames(lane) || !grow_ || growing_.exchange(true)) return false;
  const std::uint32_t to = std::min(frames(lane), from + kGrowFrames);
  const std::uint32_t first = lane == Lane::kRequest ? 0 : frames(Lane::kRequest);
  const bool grown = ready.load() == from &&
                     grow_(mine().frame_offset(first + from),
                           std::size_t{to - from} * shape_.frame_bytes);
  if (grown) mine().release_frames(lane, from, to);
  growing_.store(false);
  return grown;
}

bool FrameLamella::try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept {
  base::sim_point();
  if (!take_credit(lane, destination)) return false;
  std::uint32_t index = 0;
  while (!take_free(lane, index) && !(grow(lane) && take_free(lane, index))) {
    base::sim_point();
    mine().in_flight(lane, destination).fetch_sub(1);
    // A frame that came back while we held the credit may not have rung: look again.
    if (!any_free(lane) || !take_credit(lane, destination)) return false;
  }
  FrameControl& control = mine().control(index);
  control.committed.store(0, std::memory_order_relaxed);
  control.consumed.store(0, std::memory_order_relaxed);
  control.destination = destination;
  control.lane = lane;
  control.run = {};
  control.refused = false;
  wire::FrameHeader header;
  header.lane = static_cast<std::uint16_t>(lane);
  header.source = my_pe_;
  header.job_nonce = shape_.job_nonce;
  std::memcpy(mine().frame(index), &header, sizeof header);
  frame.payload = mine().payload(index);
  frame.capacity = frame_capacity();
  frame.committed = &control.committed;
  frame.ref = {index, life_of(control.state.load(std::memory_order_relaxed))};
  count(opened_);
  return true;
}

void FrameLamella::push(std::uint32_t index, FrameControl& control) noexcept {
  const Block& to = blocks_[control.destination];
  std::uint64_t head = to.head().inbox.load(std::memory_order_relaxed);
  do {
    control.next = head;
    base::sim_point();
  } while (!to.head().inbox.compare_exchange_weak(head, link_of(my_pe_, index)));
  count(handed_over_);
  // One that was not alone will be found by whoever takes the others: it rings for the rest.
  if (head == 0) to.head().doorbell.notify(1, scope_);
}

void FrameLamella::publish(FrameRef frame) noexcept {
  FrameControl& control = mine().control(frame.index);
  std::uint32_t state = control.state.load();
  for (;;) {
    if (life_of(state) != (frame.life & (~0u >> 2)) || (state & kSealed) != 0) return;
    if ((state & kQueued) != 0) {
      // In the receiver's hands: an RMW that changes nothing makes it look again when it lets go.
      if (control.state.compare_exchange_weak(state, state)) return;
      continue;
    }
    if (!has_news(control)) return;
    base::sim_point();
    if (!control.state.compare_exchange_weak(state, state | kQueued)) continue;
    base::sim_point();
    if (has_news(control)) break;
    // Another publisher handed it over and it was read between our looks at the state and at the
    // length: let go as receive() does, so that nobody is woken for nothing.
    state |= kQueued;
    if (!control.state.compare_exchange_strong(state, state & ~kQueued)) break;  // sealed meanwhile
    state &= ~kQueued;
  }
  base::sim_point();
  push(frame.index, control);
}

void FrameLamella::seal(const OpenFrame& frame) noexcept {
  FrameControl& control = mine().control(frame.ref.index);
  std::atomic_ref<std::uint32_t>(mine().header(frame.ref.index).length)
      .store(control.committed.load(std::memory_order_relaxed), std::memory_order_relaxed);
  const std::uint32_t before = control.state.fetch_or(kSealed | kQueued);  // pairs with deliver()
  base::sim_point();
  if ((before & kQueued) == 0) push(frame.ref.index, control);
}

void FrameLamella::discard(const OpenFrame& frame) noexcept {
  const Pe destination = mine().control(frame.ref.index).destination;
  give_back(mine(), frame.ref.index, destination);
}

bool FrameLamella::try_claim_eager(Pe destination, EagerRoom& room) noexcept {
  if (eager_ == nullptr) return false;
  EagerSender& sender = eager_[destination];
  if (sender.claimed.exchange(true)) return false;
  base::sim_point();
  if (sender.taken.load(std::memory_order_acquire) != sender.posted) {
    // Nothing that came back has told: look. Pairs with receive_eager().
    const std::uint32_t taken =
        blocks_[destination].eager_taken(my_pe_).load(std::memory_order_acquire);
    if (taken != sender.posted) {
      sender.claimed.store(false, std::memory_order_release);
      return false;
    }
    sender.taken.store(taken, std::memory_order_relaxed);
  }
  EagerSlot& slot = blocks_[destination].eager_slot(my_pe_);
  room = {slot.record, sizeof slot.record};
  return true;
}

void FrameLamella::unclaim_eager(Pe destination) noexcept {
  eager_[destination].claimed.store(false, std::memory_order_release);
}

void FrameLamella::post_eager(Pe destination, Lane lane, std::uint32_t bytes) noexcept {
  EagerSender& sender = eager_[destination];
  const Block& to = blocks_[destination];
  EagerSlot& slot = to.eager_slot(my_pe_);
  slot.bytes = bytes;
  slot.lane.store(lane, std::memory_order_relaxed);
  slot.acked = mine().eager_taken(destination).load(std::memory_order_acquire);
  base::sim_point();
  const std::uint32_t posted = ++sender.posted;
  slot.posted.store(posted);  // seq_cst, before the look at the doorbell; pairs with eager_waits()
  sender.claimed.store(false, std::memory_order_release);
  base::sim_point();
  to.head().doorbell.notify(1, scope_);
}

bool FrameLamella::eager_waits(Pe source, Take take) const noexcept {
  const EagerSlot& slot = mine().eager_slot(source);
  if (slot.posted.load() == mine().eager_taken(source).load(std::memory_order_relaxed))
    return false;
  // Of a later record, if another thread has taken this one: that one waits then, or it rings.
  return take == Take::kAll || slot.lane.load(std::memory_order_relaxed) != Lane::kRequest;
}

// The record is copied out, so that its slot is free before it runs: an answer tells the sender so.
bool FrameLamella::receive_eager(Pe source, FrameSink& sink, Take take) noexcept {
  if (taking_eager_.exchange(true)) return false;
  if (!eager_waits(source, take)) {
    taking_eager_.store(false, std::memory_order_release);
    return false;
  }
  const EagerSlot& slot = mine().eager_slot(source);
  const std::uint32_t posted = slot.posted.load();
  const std::uint32_t bytes = slot.bytes;
  const std::uint32_t acked = slot.acked;
  const Lane lane = slot.lane.load(std::memory_order_relaxed);
  alignas(8) std::byte record[sizeof slot.record];
  const bool fits = bytes != 0 && bytes <= sizeof record &&
                    static_cast<std::size_t>(lane) < kLanes;
  if (fits) std::memcpy(record, slot.record, bytes);
  base::sim_point();
  mine().eager_taken(source).store(posted, std::memory_order_release);
  EagerSender& back = eager_[source];
  // Whoever claims our slot there may know more by now; what is older only makes it look.
  if (static_cast<std::int32_t>(acked - back.taken.load(std::memory_order_relaxed)) > 0)
    back.taken.store(acked, std::memory_order_release);
  if (fits) {
    count_alone(eager_received_);
    count_alone(eager_bytes_, bytes);
  }
  taking_eager_.store(false, std::memory_order_release);
  base::sim_point();
  if (!fits) {
    refuse({source, 0}, "an eager record of impossible length");
    return true;
  }
  RunState state;
  sink.on_chunk({source, lane, record, 0, bytes, &state, true});
  return true;
}

bool FrameLamella::poll_eager(FrameSink& sink, Take take) noexcept {
  if (eager_ == nullptr) return false;
  bool any = false;
  for (Pe pe = 0; pe < shape_.num_pes; ++pe)
    if (eager_waits(pe, take)) any = receive_eager(pe, sink, take) || any;
  return any;
}

bool FrameLamella::any_pending(Take take) const noexcept {
  return pending_[static_cast<std::size_t>(Lane::kReply)].first.load() != 0 ||
         (take == Take::kAll &&
          pending_[static_cast<std::size_t>(Lane::kRequest)].first.load() != 0);
}

bool FrameLamella::has_incoming(Take take) noexcept {
  for (Pe pe = 0; eager_ != nullptr && pe < shape_.num_pes; ++pe)
    if (eager_waits(pe, take)) return true;
  return any_pending(take) || mine().head().inbox.load() != 0;
}

// While taking_: what is in the inbox goes behind what is pending in its lane.
void FrameLamella::take_inbox() noexcept {
  std::uint64_t newest = mine().head().inbox.exchange(0);  // pairs with push()
  std::uint64_t first[kLanes] = {0, 0};
  std::uint64_t last[kLanes] = {0, 0};
  while (newest != 0) {
    FrameControl& control = control_of(newest);
    // What a sender wrote; deliver() looks at it more closely.
    const std::size_t lane = control.lane == Lane::kRequest ? 0 : 1;
    const std::uint64_t older = control.next;
    control.next = first[lane];
    if (first[lane] == 0) last[lane] = newest;
    first[lane] = newest;
    newest = older;
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    Pending& pending = pending_[lane];
    if (first[lane] == 0) continue;
    if (pending.first.load(std::memory_order_relaxed) == 0)
      pending.first.store(first[lane]);
    else
      control_of(pending.last).next = first[lane];
    pending.last = last[lane];
  }
  base::sim_point();
}

// Replies first: others wait for them, and they ask for nothing.
bool FrameLamella::take_one(Address& address, Take take) noexcept {
  if (!any_pending(take) && mine().head().inbox.load() == 0) return false;
  if (taking_.exchange(true)) return false;
  if (!any_pending(take)) take_inbox();
  const bool reply = pending(Lane::kReply).first.load(std::memory_order_relaxed) != 0;
  std::uint64_t link = 0;
  if (reply || take == Take::kAll) {
    Pending& from = pending(reply ? Lane::kReply : Lane::kRequest);
    link = from.first.load(std::memory_order_relaxed);
    if (link != 0) from.first.store(control_of(link).next);
  }
  const bool more = any_pending(take);
  taking_.store(false);
  if (more) doorbell().notify(1, scope_);  // somebody else may take the next one
  base::sim_point();
  if (link == 0) return false;
  address = {static_cast<Pe>((link - 1) >> 32), static_cast<std::uint32_t>(link - 1)};
  return true;
}

bool FrameLamella::poll(FrameSink& sink, Take take) noexcept {
  const bool eager = poll_eager(sink, take);
  Address address{};
  if (!take_one(address, take)) return eager;
  receive(address, sink);
  return true;
}

// Delivers what is new; else what is wrong with the frame.
const char* FrameLamella::deliver(Address address, FrameControl& control,
                                  FrameSink& sink) noexcept {
  const Block& owner = blocks_[address.pe];
  const std::uint32_t from = control.consumed.load(std::memory_order_relaxed);
  const std::uint32_t to = control.committed.load(std::memory_order_acquire);  // pairs: OpenFrame
  if (from == to) return nullptr;
  if (from == 0) {
    const wire::FrameHeader& there = owner.header(address.frame);
    wire::FrameHeader header;  // a copy without the length, which its owner may be writing
    header.magic = there.magic;
    header.version = there.version;
    header.lane = there.lane;
    header.source = there.source;
    header.job_nonce = there.job_nonce;
    const char* const fault =
        wire::fault_of(header, shape_.job_nonce, shape_.num_pes, frame_capacity());
    if (fault != nullptr) return fault;
    if (header.source != address.pe) return "another PE's";
    if (header.lane != static_cast<std::uint16_t>(control.lane)) return "of another lane";
  }
  if (to > frame_capacity() || to < from) return "length beyond the frame";
  const Chunk chunk{address.pe, control.lane, owner.payload(address.frame), from, to,
                    &control.run};
  sink.on_chunk(chunk);
  control.consumed.store(to, std::memory_order_relaxed);
  count(chunks_);
  count(bytes_, to - from);
  return nullptr;
}

// Memory that only this job's PEs map does not break by itself: what was in the frame is lost, so
// the job cannot go on.
void FrameLamella::refuse(Address address, const char* fault) noexcept {
  count(refused_);
  const Pe me = numbers_[my_pe_];
  const std::string why = "a frame of PE " + std::to_string(numbers_[address.pe]) +
                          " arrived broken at PE " + std::to_string(me) + ": " + fault;
  const bool first =
      announce_failure(me, why, [&] { LAMELLAR_LOG_ERROR("{}; the job ends", why); });
  if (first && told_) told_(me, why);
}

// Whoever pushes out each message by itself is about to push out the next one. To look again a
// little later finds several, while to let go at once costs both sides the line of `state` for
// each. For nothing, it is left out the next 1, 3, 7 ... 63 times.
bool FrameLamella::linger(const FrameControl& control) noexcept {
  constexpr std::uint32_t kMostFruitless = 6;
  const std::uint32_t skips = skip_lingering_.load(std::memory_order_relaxed);
  if (skips != 0) {
    skip_lingering_.store(skips - 1, std::memory_order_relaxed);
    return false;
  }
  const int pauses = base::t_sim != nullptr ? 1 : 16;  // 0.4 us where a pause is 25 ns
  for (int i = 0; i < pauses && mine().head().inbox.load(std::memory_order_relaxed) == 0; ++i)
    base::spin_pause();
  if (has_news(control)) {
    fruitless_.store(0, std::memory_order_relaxed);
    return true;
  }
  const std::uint32_t fruitless =
      std::min(fruitless_.load(std::memory_order_relaxed) + 1, kMostFruitless);
  fruitless_.store(fruitless, std::memory_order_relaxed);
  skip_lingering_.store((1u << fruitless) - 1, std::memory_order_relaxed);
  return false;
}

void FrameLamella::receive(Address address, FrameSink& sink) noexcept {
  const Block& owner = blocks_[address.pe];
  FrameControl& control = owner.control(address.frame);
  for (;;) {
    if (!control.refused) {
      const char* const fault = deliver(address, control, sink);
      control.refused = fault != nullptr;
      if (fault != nullptr) refuse(address, fault);
    }
    base::sim_point();
    if (control.refused) {
      control.consumed.store(control.committed.load(std::memory_order_acquire),
                             std::memory_order_relaxed);
    }
    std::uint32_t state = control.state.load();
    if ((state & kSealed) != 0) {
      if (has_news(control)) continue;
      if (poison_) std::memset(owner.frame(address.frame), 0xdd, shape_.frame_bytes);
      if (!control.refused) count(received_);
      give_back(owner, address.frame, my_pe_);
      return;
    }
    if (linger(control)) continue;
    // Still open: let go, then look once more, since a publisher that found it queued relies on
    // us. The exchange pairs with the publisher's.
    if (!control.state.compare_exchange_strong(state, state & ~kQueued)) continue;
    base::sim_point();
    if (!has_news(control)) return;
    // Somebody else may have queued it again meanwhile, or even sealed and recycled it.
    std::uint32_t expected = state & ~kQueued;
    if (!control.state.compare_exchange_strong(expected, state)) return;
  }
}

void FrameLamella::give_back(const Block& owner, std::uint32_t index, Pe destination) noexcept {
  FrameControl& control = owner.control(index);
  const Lane lane = control.lane;
  const std::uint32_t life = life_of(control.state.load(std::memory_order_relaxed));
  control.state.store((life + 1) << 2);
  base::sim_point();
  if (g_planted_credit_leak.load(std::memory_order_relaxed) && life % 4 == 3) return;
  // The frame first, then the credit: see try_open().
  const std::uint32_t bit = lane == Lane::kRequest ? index : index - frames(Lane::kRequest);
  owner.free_words(lane)[bit / 64].fetch_or(std::uint64_t{1} << (bit % 64));
  base::sim_point();
  const std::uint32_t left = owner.in_flight(lane, destination).fetch_sub(1) - 1;
  // Whoever waits for credit goes on when half of it is back: one wake-up for many frames.
  if (left <= credits(lane) / 2 && owner.head().want_frames.load() != 0)
    owner.head().doorbell.notify(INT32_MAX, scope_);
}

std::uint32_t FrameLamella::in_flight(Pe destination, Lane lane) const noexcept {
  return mine().in_flight(lane, destination).load(std::memory_order_relaxed);
}

void FrameLamella::want_frames(bool wanted) noexcept {
  if (wanted)
    mine().head().want_frames.fetch_add(1);  // pairs with give_back(): publish, then look
  else
    mine().head().want_frames.fetch_sub(1);
}

bool FrameLamella::announce_failure(Pe culprit, std::string_view why,
                                    const std::function<void()>& say) noexcept {
  BlockHead& head = blocks_[0].head();
  std::uint32_t none = 0;
  if (!head.failed.compare_exchange_strong(none, 1)) return false;
  if (say) say();
  head.failure.pe = culprit;
  head.failure.length =
      static_cast<std::uint32_t>(why.copy(head.failure.text, FailureNote::kLongest));
  head.failed.store(2);  // pairs with failure()
  for (const Block& block : blocks_) block.head().doorbell.notify(INT32_MAX, scope_);
  return true;
}

void FrameLamella::depart() noexcept {
  mine().head().departed.store(1);  // pairs with has_departed(): publish, then ring
  for (const Block& block : blocks_) block.head().doorbell.notify(INT32_MAX, scope_);
}

const FailureNote* FrameLamella::failure() const noexcept {
  const BlockHead& head = blocks_[0].head();
  return head.failed.load() == 2 ? &head.failure : nullptr;
}

Counters FrameLamella::counters() const noexcept {
  Counters c;
  c.frames_opened = opened_.load(std::memory_order_relaxed);
  c.frames_handed_over = handed_over_.load(std::memory_order_relaxed);
  c.frames_received = received_.load(std::memory_order_relaxed);
  c.chunks_received = chunks_.load(std::memory_order_relaxed);
  c.eager_received = eager_received_.load(std::memory_order_relaxed);
  c.bytes_copied = eager_bytes_.load(std::memory_order_relaxed);
  c.bytes_received = bytes_.load(std::memory_order_relaxed) + c.bytes_copied;
  c.frames_refused = refused_.load(std::memory_order_relaxed);
  c.wake_ups = mine().head().doorbell.wakes.load(std::memory_order_relaxed);
  c.sleeps = mine().head().doorbell.sleeps.load(std::memory_order_relaxed);
  return c;
}

}  // namespace lamellar::lamellae

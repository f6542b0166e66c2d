// What leaves: frames, credits and the messages that begin and end a connection.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/core/assert.hpp"
#include "lamellae/ofi/ofi_core.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kRetryNs = 1'000'000;
constexpr int kBurst = 8;  // messages to one peer before the next one's turn
// A broken connection is most often the end of its PE, which others tell better.
constexpr std::uint64_t kLoseNs = 1'000'000'000;

// Copies [from, to) of a payload that its owner may be closing the run at `run` of meanwhile.
void copy_open(std::byte* copy, std::byte* payload, std::uint32_t from, std::uint32_t to,
               std::uint32_t run) noexcept {
  const std::uint32_t changing =
      run + static_cast<std::uint32_t>(offsetof(wire::RunHeader, bytes));
  const std::uint32_t behind = changing + static_cast<std::uint32_t>(sizeof(std::uint32_t));
  if (changing < from || behind > to) {
    std::memcpy(copy, payload + from, to - from);
    return;
  }
  std::memcpy(copy, payload + from, changing - from);
  const std::uint32_t bytes =
      std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(payload + changing))
          .load(std::memory_order_relaxed);
  std::memcpy(copy + (changing - from), &bytes, sizeof bytes);
  std::memcpy(copy + (behind - from), payload + behind, to - behind);
}

}  // namespace

bool OfiLamella::try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept {
  Peer& peer = peers_[destination];
  LAMELLAR_CHECK(peer.there, "a frame for a PE that ofi does not serve");
  for (int attempt = 0; attempt < 2; ++attempt) {
    {
      const base::Lock lock(mutex_);
      auto& in_flight = peer.in_flight[at(lane)];
      auto& free = free_[at(lane)];
      if (!free.empty() && in_flight.load(std::memory_order_relaxed) < credits(lane)) {
        const std::uint32_t index = free.back();
        free.pop_back();
        in_flight.fetch_add(1, std::memory_order_relaxed);
        Frame& mine = frames_[index];
        mine.committed.store(0, std::memory_order_relaxed);
        mine.state = Frame::State::kOpen;
        mine.queued = mine.requested = mine.ending = false;
        mine.lane = lane;
        mine.destination = destination;
        mine.stream = mine.sent = mine.run = 0;
        ++counters_.frames_opened;
        frame.payload = arena_.frame(index) + kHead;
        frame.capacity = frame_capacity();
        frame.committed = &mine.committed;
        frame.ref = {index, mine.life};
        return true;
      }
    }
    // Frames and credits come back by messages: look for some.
    if (attempt != 0 || !wire_.try_lock()) break;
    drive(true);
    wire_.unlock();
    pump_if_asked();
  }
  return false;
}

void OfiLamella::publish(FrameRef frame) noexcept {
  Pe destination = 0;
  {
    const base::Lock lock(mutex_);
    Frame& mine = frames_[frame.index];
    if (mine.life != frame.life || mine.state != Frame::State::kOpen ||
        mine.committed.load(std::memory_order_acquire) == mine.sent)
      return;
    destination = mine.destination;
    mine.requested = true;
    request(destination, frame.index);
  }
  pump();
}

void OfiLamella::seal(const OpenFrame& frame) noexcept {
  {
    const base::Lock lock(mutex_);
    Frame& mine = frames_[frame.ref.index];
    mine.state = Frame::State::kSealed;
    ++peers_[mine.destination].sealed[at(mine.lane)];
    request(mine.destination, frame.ref.index);
  }
  pump();
}

void OfiLamella::discard(const OpenFrame& frame) noexcept {
  const base::Lock lock(mutex_);
  const Frame& mine = frames_[frame.ref.index];
  peers_[mine.destination].in_flight[at(mine.lane)].fetch_sub(1, std::memory_order_relaxed);
  free_frame(frame.ref.index);
}

// Under mutex_.
void OfiLamella::request(Pe pe, std::uint32_t index) noexcept {
  if (std::exchange(frames_[index].queued, true)) return;
  peers_[pe].queue.push_back(index);
  activate(pe);
}

// Under mutex_.
void OfiLamella::activate(Pe pe) noexcept {
  if (std::exchange(peers_[pe].active, true)) return;
  active_.push_back(pe);
  actives_.store(active_.size());
}

// Under mutex_.
void OfiLamella::free_frame(std::uint32_t index) noexcept {
  Frame& frame = frames_[index];
  frame.state = Frame::State::kFree;
  ++frame.life;
  auto& free = free_[at(frame.lane)];
  const bool was_empty = free.empty();
  free.push_back(index);
  if (wanting_.load() != 0 && was_empty) ring(INT32_MAX);
}

// Sends what is queued, or leaves that to whoever is at it.
void OfiLamella::pump() noexcept {
  asked_.store(true);
  pump_if_asked();
}

// For who has held wire_: sends what others have left to do meanwhile.
void OfiLamella::pump_if_asked() noexcept {
  while (asked_.load() && wire_.try_lock()) {
    asked_.store(false);
    send_queued();
    lend();
    wire_.unlock();
  }
  if (actives_.load() != 0) retry_soon();
}

// The endpoint did not take everything, and whoever left it there may not come again.
void OfiLamella::retry_soon() noexcept {
  if (retrying_.exchange(true)) return;
  retry_timer_.store(helper_->call_after(kRetryNs, [this] {
    retrying_.store(false);
    if (stopping_.load()) return;
    if (wire_.try_lock()) {
      drive(true);
      wire_.unlock();
    }
    pump();
  }));
}

void OfiLamella::send_queued() noexcept {
  std::size_t turns = actives_.load();
  // A peer that takes nothing now, or nothing more, has had its turn.
  while (turns-- > 0) {
    Pe pe = 0;
    {
      const base::Lock lock(mutex_);
      if (active_.empty()) return;
      pe = active_.front();
      active_.pop_front();
      actives_.store(active_.size());
      peers_[pe].active = false;
    }
    Step step = Step::kSent;
    for (int i = 0; i < kBurst && step == Step::kSent; ++i) step = send_one(pe);
    if (step == Step::kNothing) continue;
    const base::Lock lock(mutex_);
    activate(pe);
    if (step == Step::kSent) ++turns;
  }
}

OfiLamella::Step OfiLamella::send_one(Pe pe) noexcept {
  Message message;
  {
    const base::Lock lock(mutex_);
    if (peers_[pe].failed || !next_message(pe, message)) return Step::kNothing;
    if (message.bytes == nullptr) return Step::kBusy;  // no bounce buffer is free
    std::memcpy(const_cast<std::byte*>(message.bytes), &message.head, kHead);
  }
  const std::uint64_t token =
      std::uint64_t{static_cast<std::uint8_t>(message.what)} << 32 | message.index;
  const Endpoint::Sent sent = endpoint_->send(pe, message.bytes, message.size, token);
  if (sent == Endpoint::Sent::kFailed) lose(pe, endpoint_->trouble());
  const base::Lock lock(mutex_);
  if (sent == Endpoint::Sent::kTaken) {
    taken(pe, message);
    return Step::kSent;
  }
  not_taken(message);
  return sent == Endpoint::Sent::kBusy ? Step::kBusy : Step::kNothing;
}

// Under mutex_. False: there is nothing to send.
bool OfiLamella::next_message(Pe pe, Message& message) noexcept {
  Peer& peer = peers_[pe];
  if (peer.hello_wanted && !peer.note_busy) {
    next_note(pe, wire::Message::kHello, message);
    return true;
  }
  while (!peer.queue.empty()) {
    if (next_of_frame(pe, peer.queue.front(), message)) return true;
    frames_[peer.queue.front()].queued = false;  // all of it was sent before
    peer.queue.pop_front();
  }
  if (peer.note_busy) return false;
  if (peer.credit_wanted) {
    next_note(pe, wire::Message::kCredit, message);
    return true;
  }
  if (!peer.bye_wanted) return false;
  next_note(pe, wire::Message::kBye, message);
  return true;
}

void OfiLamella::next_note(Pe pe, wire::Message kind, Message& message) noexcept {
  fill_head(pe, message, kind);
  message.what = What::kNote;
  message.index = pe;
  message.bytes = arena_.note(pe);
  message.size = kHead;
  if (kind == wire::Message::kBye) message.head.from = peers_[pe].left;
}

// Under mutex_. The head of whatever is sent next to `pe`.
void OfiLamella::fill_head(Pe pe, Message& message, wire::Message kind) noexcept {
  wire::MessageHead& head = message.head;
  head.frame.source = my_pe();
  head.frame.job_nonce = options_.job_nonce;
  head.kind = kind;
  head.destination = pe;
  head.amend_at = wire::kNothing;
  std::copy_n(peers_[pe].consumed, kLanes, head.consumed);
}

// Under mutex_. Prepares what a frame has that was not sent yet; false when it has nothing.
bool OfiLamella::next_of_frame(Pe pe, std::uint32_t index, Message& message) noexcept {
  Frame& frame = frames_[index];
  const bool last = frame.state == Frame::State::kSealed;
  const std::uint32_t to = frame.committed.load(std::memory_order_acquire);  // pairs: OpenFrame
  frame.requested = false;
  if (!last && to == frame.sent) return false;
  std::byte* const payload = arena_.frame(index) + kHead;
  const std::uint32_t length = to - frame.sent;
  fill_head(pe, message, wire::Message::kFrame);
  wire::MessageHead& head = message.head;
  head.frame.lane = static_cast<std::uint16_t>(frame.lane);
  head.frame.length = length;
  head.last = last;
  head.from = frame.sent;
  message.frame = index;
  message.size = static_cast<std::uint32_t>(kHead + wire::align8(length));
  message.to = to;
  const bool whole = last && frame.sent == 0;
  while (!whole && frame.stream == 0) frame.stream = peers_[pe].next_stream++;
  head.stream = frame.stream;
  // What is no run need not be 8 bytes long.
  if (frame.sent >= frame.run + sizeof(wire::RunHeader)) {
    if (!frame.ending) {
      const auto* const run = reinterpret_cast<const wire::RunHeader*>(payload + frame.run);
      frame.amend = std::atomic_ref<std::uint32_t>(const_cast<std::uint32_t&>(run->bytes))
                        .load(std::memory_order_relaxed);
    }
    head.amend_at = frame.run;
    head.amend = frame.amend;
  }
  if (last) {
    // In place: what lies in front was sent and nobody looks at it any more.
    frame.ending = true;
    message.what = What::kFrame;
    message.index = index;
    message.bytes = payload + frame.sent - kHead;
    return true;
  }
  message.run = wire::open_run(payload, frame.run, to);
  if (free_bounces_.empty()) {
    frame.requested = true;
    return true;  // without bytes: later
  }
  message.what = What::kBounce;
  message.index = free_bounces_.back();
  free_bounces_.pop_back();
  bounce_peer_[message.index] = pe;
  message.bytes = arena_.bounce(message.index);
  copy_open(arena_.bounce(message.index) + kHead, payload, frame.sent, to, message.run);
  counters_.bytes_copied += length;
  return true;
}

// Under mutex_. The endpoint has it.
void OfiLamella::taken(Pe pe, const Message& message) noexcept {
  Peer& peer = peers_[pe];
  std::copy_n(message.head.consumed, kLanes, peer.reported);
  if (std::equal(peer.reported, peer.reported + kLanes, peer.consumed)) peer.credit_wanted = false;
  if (message.what == What::kNote) {
    peer.note_busy = true;
    if (message.head.kind == wire::Message::kHello) peer.hello_wanted = false;
    if (message.head.kind == wire::Message::kBye) peer.bye_wanted = false;
    return;
  }
  ++counters_.frames_handed_over;
  ++peer.left;
  Frame& frame = frames_[message.frame];
  frame.sent = message.to;
  frame.run = message.run;
  if (!message.head.last && (frame.state == Frame::State::kSealed || frame.requested)) return;
  frame.queued = false;
  peer.queue.pop_front();
}

// Under mutex_. The endpoint does not have it.
void OfiLamella::not_taken(const Message& message) noexcept {
  if (message.what != What::kBounce) return;
  free_bounces_.push_back(message.index);
  frames_[message.frame].requested = true;
}

void OfiLamella::finished(std::uint64_t token, bool arrived) noexcept {
  const auto what = static_cast<What>(token >> 32);
  const auto index = static_cast<std::uint32_t>(token);
  Pe pe = 0;
  {
    const base::Lock lock(mutex_);
    switch (what) {
      case What::kFrame:
        pe = frames_[index].destination;
        free_frame(index);
        break;
      case What::kBounce:
        pe = bounce_peer_[index];
        free_bounces_.push_back(index);
        break;
      case What::kNote: {
        pe = index;
        wire::MessageHead head;
        std::memcpy(&head, arena_.note(index), kHead);
        peers_[pe].note_busy = false;
        if (head.kind == wire::Message::kBye) peers_[pe].bye_sent = true;
        break;
      }
    }
    if (!peers_[pe].queue.empty() || peers_[pe].credit_wanted || peers_[pe].bye_wanted ||
        peers_[pe].hello_wanted)
      activate(pe);
  }
  if (!arrived) lose(pe, endpoint_->trouble());
}

// The connection to `pe` is of no use any more.
void OfiLamella::lose(Pe pe, const std::string& why) noexcept {
  {
    const base::Lock lock(mutex_);
    Peer& peer = peers_[pe];
    if (std::exchange(peer.failed, true) || peer.bye_heard) return;
    peer.queue.clear();
  }
  if (lost_one_.exchange(true)) return;
  lose_timer_.store(helper_->call_after(kLoseNs, [this, pe, why] {
    if (!stopping_.load()) give_up(pe, "cannot be reached any more (" + why + ")");
  }));
}

// Under mutex_. What a message of `peer` tells of our frames.
void OfiLamella::returned(Peer& peer, const std::uint32_t (&consumed)[2],
                          const char*& fault) noexcept {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::uint32_t more = consumed[lane] - peer.returned[lane];
    // Of a message that was overtaken by a later one: nothing new.
    if (static_cast<std::int32_t>(more) <= 0) continue;
    if (more > peer.sealed[lane] - peer.returned[lane]) {
      fault = "it tells of more frames than were sent";
      return;
    }
    peer.returned[lane] = consumed[lane];
    const std::uint32_t left =
        peer.in_flight[lane].fetch_sub(more, std::memory_order_relaxed) - more;
    if (wanting_.load() != 0 && left <= credits(static_cast<Lane>(lane)) / 2) ring(INT32_MAX);
  }
}

}  // namespace lamellar::lamellae

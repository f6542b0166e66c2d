// What arrives: messages are checked, put in order and handed to the sink.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log/log.hpp"
#include "lamellae/ofi/ofi_core.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint32_t kEvents = 32;

}  // namespace

// for_others: the caller does not poll next.
void OfiLamella::drive(bool for_others) noexcept {
  Endpoint::Event events[kEvents];
  std::uint32_t count = kEvents;
  for (int round = 0; round < 4 && count == kEvents && broken_.empty(); ++round) {
    count = endpoint_->poll(events, kEvents);
    for (std::uint32_t i = 0; i < count; ++i) {
      const Endpoint::Event& event = events[i];
      switch (event.kind) {
        case Endpoint::Event::Kind::kSent:
          finished(event.token, true);
          break;
        case Endpoint::Event::Kind::kSendFailed:
          finished(event.token, false);
          break;
        case Endpoint::Event::Kind::kReceived:
          received(event);
          break;
        case Endpoint::Event::Kind::kReleased: {
          buffers_[event.token].lent = false;
          lent_.fetch_sub(1);
          const base::Lock lock(mutex_);
          lendable_[event.token] = buffers_[event.token].readers == 0;
          may_lend_.store(true);
          break;
        }
        case Endpoint::Event::Kind::kBroken:
          broken_ = endpoint_->trouble();
          break;
      }
    }
  }
  if (!broken_.empty() && !lost_one_.exchange(true) && options_.fail)
    options_.fail(my_pe(), "the network of PE " + std::to_string(my_pe()) + " failed: " +
                               endpoint_->describe() + ": " + broken_);
  lend();
  send_queued();
  if (for_others && waiting_.load() != 0) ring(1);
}

void OfiLamella::lend() noexcept {
  if (!may_lend_.load(std::memory_order_relaxed) || !may_lend_.exchange(false)) return;
  for (std::uint32_t i = 0; i < buffers_.size() && broken_.empty(); ++i) {
    {
      const base::Lock lock(mutex_);
      if (buffers_[i].lent || !lendable_[i]) continue;
      lendable_[i] = false;
    }
    buffers_[i].lent = endpoint_->receive(arena_.receive(i), arena_.shape().receive_bytes, i);
    if (buffers_[i].lent)
      lent_.fetch_add(1);
    else
      broken_ = endpoint_->trouble();
  }
}

void OfiLamella::received(const Endpoint::Event& event) noexcept {
  wire::MessageHead head;
  const char* fault = "shorter than a head";
  if (event.size >= kHead) {
    std::memcpy(&head, event.bytes, kHead);
    fault = take_message(head, event);
  }
  if (fault == nullptr) return;
  {
    const base::Lock lock(mutex_);
    ++counters_.frames_refused;
  }
  if (!refused_one_.exchange(true))
    LAMELLAR_LOG_WARN("a message of {} bytes was dropped: {}; the job goes on, further ones are "
                      "only counted. Is another job using this port?",
                      event.size, fault);
}

const char* OfiLamella::take_message(const wire::MessageHead& head,
                                     const Endpoint::Event& event) noexcept {
  const char* fault =
      wire::fault_of(head.frame, options_.job_nonce, num_pes(), frame_capacity());
  if (fault != nullptr) return fault;
  if (head.destination != my_pe()) return "for another PE";
  // Padded, so that the next one in the buffer is aligned too.
  if (wire::align8(head.frame.length) != event.size - kHead)
    return "of another length than it says";
  const base::Lock lock(mutex_);
  Peer& peer = peers_[head.frame.source];
  if (!peer.there) return "of a PE that does not use this network";
  if (head.kind != wire::Message::kFrame && head.frame.length != 0)
    return "a note with a payload";
  if (head.kind > wire::Message::kBye) return "of unknown kind";
  returned(peer, head.consumed, fault);
  if (fault != nullptr) return fault;
  if (!std::exchange(peer.heard, true) && my_pe() > head.frame.source) {
    peer.hello_wanted = true;
    activate(head.frame.source);
  }
  if (head.kind == wire::Message::kBye) {
    peer.bye_heard = true;
    peer.to_come = head.from;
  }
  if (head.kind != wire::Message::kFrame) return nullptr;
  ++peer.came;
  return take_frame(head, event);
}

const char* OfiLamella::take_frame(const wire::MessageHead& head,
                                   const Endpoint::Event& event) noexcept {
  const std::byte* const payload = event.bytes + kHead;
  if (head.stream != 0) return take_piece(peers_[head.frame.source], head, payload);
  if (head.last != 1 || head.from != 0) return "neither a whole frame nor a piece of one";
  // Only where a stranger's message of odd length shifted it.
  if (reinterpret_cast<std::uintptr_t>(payload) % 8 != 0)
    return take_piece(peers_[head.frame.source], head, payload);
  Arrival arrival;
  arrival.payload = payload;
  arrival.length = head.frame.length;
  arrival.buffer = static_cast<std::uint32_t>(event.token);
  arrival.source = head.frame.source;
  arrival.lane = static_cast<Lane>(head.frame.lane);
  ++buffers_[arrival.buffer].readers;
  arrived(arrival, arrival.lane);
  return nullptr;
}

// Under mutex_.
void OfiLamella::arrived(const Arrival& arrival, Lane lane) {
  inbox_[at(lane)].push_back(arrival);
  if (lane == Lane::kReply) waiting_replies_.fetch_add(1);
  waiting_.fetch_add(1);
}

const char* OfiLamella::take_piece(Peer& peer, const wire::MessageHead& head,
                                   const std::byte* payload) noexcept {
  const std::uint64_t key = head.stream != 0 ? head.stream : ++next_shifted_ << 32;
  const std::uint64_t to = std::uint64_t{head.from} + head.frame.length;
  if (to > frame_capacity()) return "a piece beyond its frame";
  if (head.amend_at != wire::kNothing &&
      (head.amend_at % 8 != 0 || std::uint64_t{head.amend_at} + 8 > head.from))
    return "a change of what was not sent";
  if (!peer.partials.contains(key) &&
      peer.partials.size() >= std::size_t{lanes_[0]} + lanes_[1])
    return "of more frames at once than there are";
  std::unique_ptr<Partial>& place = peer.partials[key];
  if (place == nullptr)
    place = new_partial(head.frame.source, static_cast<Lane>(head.frame.lane), key);
  Partial& partial = *place;
  const bool known = std::any_of(partial.ahead.begin(), partial.ahead.end(),
                                 [&](const Piece& piece) { return piece.from == head.from; });
  if (partial.last || known || head.from < partial.committed ||
      partial.lane != static_cast<Lane>(head.frame.lane))
    return "a piece that contradicts the others of its frame";
  std::memcpy(partial.payload.get() + head.from, payload, head.frame.length);
  counters_.bytes_copied += head.frame.length;
  partial.ahead.push_back({head.from, static_cast<std::uint32_t>(to), head.amend_at, head.amend,
                           head.last != 0});
  if (!advance(partial) || partial.queued) return nullptr;
  partial.queued = true;
  Arrival arrival;
  arrival.partial = &partial;
  arrived(arrival, partial.lane);
  return nullptr;
}

std::unique_ptr<OfiLamella::Partial> OfiLamella::new_partial(Pe source, Lane lane,
                                                             std::uint64_t key) {
  std::unique_ptr<Partial> partial;
  if (spare_.empty()) {
    partial = std::make_unique<Partial>();
    partial->payload = std::make_unique<std::byte[]>(frame_capacity());
  } else {
    partial = std::move(spare_.back());
    spare_.pop_back();
  }
  partial->source = source;
  partial->lane = lane;
  partial->key = key;
  return partial;
}

// The requests that wait move out of the receive buffers: no more of them than their senders have
// credit for.
void OfiLamella::make_way() {
  const base::Lock lock(mutex_);
  for (Arrival& arrival : inbox_[at(Lane::kRequest)]) {
    if (arrival.partial != nullptr) continue;
    const std::uint64_t key = ++next_shifted_ << 32;
    std::unique_ptr<Partial>& place = peers_[arrival.source].partials[key];
    place = new_partial(arrival.source, arrival.lane, key);
    std::memcpy(place->payload.get(), arrival.payload, arrival.length);
    counters_.bytes_copied += arrival.length;
    place->committed = arrival.length;
    place->last = place->queued = true;
    lendable_[arrival.buffer] = --buffers_[arrival.buffer].readers == 0;
    arrival = {};
    arrival.partial = place.get();
  }
  may_lend_.store(true);
}

// Under mutex_. Takes up the pieces that join what is there; whether there were any.
bool OfiLamella::advance(Partial& partial) noexcept {
  bool any = false;
  for (;;) {
    const auto next =
        std::find_if(partial.ahead.begin(), partial.ahead.end(),
                     [&](const Piece& piece) { return piece.from == partial.committed; });
    if (next == partial.ahead.end()) return any;
    if (next->amend_at != wire::kNothing) {
      // Its receiver may be reading there.
      auto* const run = reinterpret_cast<wire::RunHeader*>(partial.payload.get() + next->amend_at);
      const std::atomic_ref<std::uint32_t> bytes(run->bytes);
      if (bytes.load(std::memory_order_relaxed) != next->amend)
        bytes.store(next->amend, std::memory_order_relaxed);
    }
    partial.committed = next->to;
    partial.last = next->last;
    partial.ahead.erase(next);
    any = true;
  }
}

void OfiLamella::deliver_whole(const Arrival& arrival, FrameSink& sink) noexcept {
  RunState run;
  if (arrival.length != 0)
    sink.on_chunk({arrival.source, arrival.lane, arrival.payload, 0, arrival.length, &run});
  bool lend_again = false;
  {
    const base::Lock lock(mutex_);
    counters_.chunks_received += arrival.length != 0;
    counters_.bytes_received += arrival.length;
    consumed(arrival.source, arrival.lane);
    lend_again = --buffers_[arrival.buffer].readers == 0;
    lendable_[arrival.buffer] = lend_again;
    if (lend_again) may_lend_.store(true);
    lend_again = lend_again || peers_[arrival.source].credit_wanted;
  }
  if (lend_again) pump();
}

void OfiLamella::deliver_partial(Partial& partial, FrameSink& sink) noexcept {
  for (;;) {
    Chunk chunk;
    {
      const base::Lock lock(mutex_);
      counters_.chunks_received += partial.consumed != partial.committed;
      counters_.bytes_received += partial.committed - partial.consumed;
      chunk = {partial.source, partial.lane,       partial.payload.get(), partial.consumed,
               partial.committed, &partial.run};
      partial.consumed = partial.committed;
      if (chunk.from == chunk.to) {
        partial.queued = false;
        if (!partial.last) return;
        const Pe source = partial.source;
        consumed(source, partial.lane);
        auto node = peers_[source].partials.extract(partial.key);
        std::unique_ptr<Partial> used = std::move(node.mapped());
        std::unique_ptr<std::byte[]> payload = std::move(used->payload);
        *used = Partial{};
        used->payload = std::move(payload);
        spare_.push_back(std::move(used));
        break;
      }
    }
    sink.on_chunk(chunk);
  }
  pump();
}

// Under mutex_: a frame was read to its end.
void OfiLamella::consumed(Pe source, Lane lane) noexcept {
  ++counters_.frames_received;
  Peer& peer = peers_[source];
  const std::uint32_t unsaid = ++peer.consumed[at(lane)] - peer.reported[at(lane)];
  if (!std::exchange(peer.owing, true)) owing_.push_back(source);
  // Before the sender has nothing left.
  if (unsaid < std::max(1u, credits(lane) / 4)) return;
  peer.credit_wanted = true;
  activate(source);
}

// Tells all peers what they are owed; whether there was any.
bool OfiLamella::want_credit_notes() noexcept {
  const base::Lock lock(mutex_);
  bool any = false;
  for (const Pe pe : owing_) {
    Peer& peer = peers_[pe];
    peer.owing = false;
    if (std::equal(peer.consumed, peer.consumed + kLanes, peer.reported)) continue;
    peer.credit_wanted = true;
    activate(pe);
    any = true;
  }
  owing_.clear();
  return any;
}

}  // namespace lamellar::lamellae

#include "lamellae/ofi/ofi_lamella.hpp"

#include <algorithm>
#include <lamellar/error.hpp>

#include "base/clock/clock.hpp"
#include "base/core/assert.hpp"
#include "base/log/log.hpp"
#include "lamellae/frames/block.hpp"
#include "lamellae/ofi/ofi_core.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint32_t kBounces = 32;
constexpr std::uint32_t kReceives = 4;
constexpr std::uint32_t kReceiveBytes = 256 * 1024;
constexpr std::uint64_t kSpeakFirstNs = 300'000'000;
constexpr std::uint64_t kConnectTickNs = 5'000'000;
constexpr std::uint64_t kLookNs = 1'000'000;
constexpr std::uint64_t kDepartNs = 10'000'000'000;

ArenaShape shape_of(const OfiOptions& options) {
  ArenaShape shape;
  shape.frame_bytes = options.frame_bytes;
  shape.frames = options.pool_frames;
  shape.bounces = kBounces;
  shape.notes = static_cast<std::uint32_t>(options.addresses.size());
  shape.receives = kReceives;
  shape.receive_bytes = std::max(kReceiveBytes, 8 * options.frame_bytes);
  return shape;
}

}  // namespace

std::unique_ptr<Lamella> make_ofi_lamella(std::unique_ptr<Endpoint> endpoint,
                                          OfiOptions options) {
  return std::make_unique<OfiLamella>(std::move(endpoint), std::move(options));
}

OfiLamella::OfiLamella(std::unique_ptr<Endpoint> endpoint, OfiOptions options)
    : options_(std::move(options)),
      helper_(base::Helper::shared()),
      arena_(shape_of(options_)),
      endpoint_(std::move(endpoint)),
      buffers_(kReceives),
      lendable_(kReceives, true),
      frames_(options_.pool_frames),
      bounce_peer_(kBounces),
      peers_(options_.addresses.size()) {
  LAMELLAR_CHECK(options_.home != nullptr && options_.frame_bytes % 64 == 0, "options of ofi");
  const BlockShape split = BlockShape::of(num_pes(), options_.frame_bytes, options_.pool_frames,
                                          options_.job_nonce);
  for (std::size_t lane = 0; lane < kLanes; ++lane) lanes_[lane] = split.frames[lane];
  for (std::uint32_t i = options_.pool_frames; i-- > 0;)
    free_[i < lanes_[0] ? 0 : 1].push_back(i);
  for (std::uint32_t i = kBounces; i-- > 0;) free_bounces_.push_back(i);

  std::string fault = endpoint_->register_memory(arena_.base(), arena_.bytes());
  if (fault.empty()) fault = endpoint_->set_peers(options_.addresses);
  if (!fault.empty()) throw LaunchError(endpoint_->describe() + ": " + fault);
  bool alone = true;
  for (Pe pe = 0; pe < num_pes(); ++pe) {
    Peer& peer = peers_[pe];
    peer.there = !options_.addresses[pe].empty();
    if (!peer.there) continue;
    peer.heard = pe == options_.my_pe;
    if (peer.heard) continue;
    alone = false;
    // One of two speaks first; who has something to say before that does not wait for it.
    peer.hello_wanted = options_.my_pe < pe;
    if (peer.hello_wanted) activate(pe);
  }
  const base::Lock wire(wire_);
  lend();
  if (!broken_.empty()) throw LaunchError(endpoint_->describe() + ": " + broken_);
  if (alone) return;
  connect_deadline_ = options_.connect_timeout_ns == base::kForever
                          ? base::kForever
                          : base::now_ns() + options_.connect_timeout_ns;
  look_at_connections_in(std::min(kConnectTickNs, options_.connect_timeout_ns));
}

OfiLamella::~OfiLamella() {
  stopping_.store(true);
  // Waits for a callback that runs. One that comes later sees that this is the end and sets up
  // nothing; it is waited for, too.
  helper_->unwatch(endpoint_->wait_fd());
  helper_->cancel(connect_timer_.load());
  helper_->cancel(retry_timer_.load());
  helper_->cancel(lose_timer_.load());
  endpoint_.reset();  // from now on nobody uses the arena
}

std::uint32_t OfiLamella::credits(Lane lane) const noexcept {
  const std::uint32_t all = frames(lane);
  if (num_pes() <= 2) return all;
  return all < 4 ? 1 : all / 2;  // one slow destination leaves half of the frames to the others
}

std::uint32_t OfiLamella::in_flight(Pe destination, Lane lane) const noexcept {
  return peers_[destination].in_flight[static_cast<std::size_t>(lane)].load(
      std::memory_order_relaxed);
}

void OfiLamella::want_frames(bool wanted) noexcept {
  if (wanted)
    wanting_.fetch_add(1);
  else
    wanting_.fetch_sub(1);
}

Counters OfiLamella::counters() const noexcept {
  const base::Lock lock(mutex_);
  Counters all = counters_;
  all.wake_ups = options_.home->doorbell().wakes.load(std::memory_order_relaxed);
  all.sleeps = options_.home->doorbell().sleeps.load(std::memory_order_relaxed);
  return all;
}

// Replies first: others wait for them, and they ask for nothing.
bool OfiLamella::next_arrival(Take take, Arrival& arrival) noexcept {
  if (arrivals(take) == 0) return false;
  const base::Lock lock(mutex_);
  const bool reply = !inbox_[at(Lane::kReply)].empty();
  std::deque<Arrival>& inbox = inbox_[at(reply ? Lane::kReply : Lane::kRequest)];
  if (inbox.empty() || (!reply && take == Take::kReplies)) return false;
  arrival = inbox.front();
  inbox.pop_front();
  waiting_.fetch_sub(1);
  if (reply) waiting_replies_.fetch_sub(1);
  return true;
}

bool OfiLamella::poll(FrameSink& sink, Take take) noexcept {
  if (arrivals(take) == 0 && wire_.try_lock()) {
    drive(false);
    wire_.unlock();
    pump_if_asked();
  }
  if (arrivals(take) == 0 && starved()) make_way();
  Arrival arrival;
  if (!next_arrival(take, arrival)) {
    // What is owed is told at once when nothing else is to do, and not for each frame of a stream.
    constexpr std::uint32_t kQuiet = 16;
    if (idle_.fetch_add(1, std::memory_order_relaxed) == kQuiet && want_credit_notes()) pump();
    return false;
  }
  idle_.store(0, std::memory_order_relaxed);
  // While this thread runs what came, others take the next one.
  if (arrivals(take) != 0)
    ring(1);
  else
    keep_watch();
  if (arrival.partial != nullptr)
    deliver_partial(*arrival.partial, sink);
  else
    deliver_whole(arrival, sink);
  return true;
}

bool OfiLamella::has_incoming(Take take) noexcept {
  if (arrivals(take) != 0) return true;
  bool may_sleep = false;
  want_credit_notes();
  {
    const base::Lock wire(wire_);
    asked_.store(false);
    drive(false);
    may_sleep = endpoint_->may_sleep();
  }
  pump_if_asked();
  if (arrivals(take) != 0 || starved() || !may_sleep) return true;
  watch_descriptor();
  return false;
}

void OfiLamella::watch_descriptor() noexcept {
  if (endpoint_->wait_fd() < 0 || watched_.exchange(true)) return;
  helper_->watch(endpoint_->wait_fd(), [this] {
    watched_.store(false);
    if (!stopping_.load()) on_descriptor();
  });
}

// On the helper's thread, for those who sleep. It takes in what has come before it wakes one, so
// that whoever wakes up knows what for; for no news it wakes nobody.
void OfiLamella::on_descriptor() noexcept {
  if (!wire_.try_lock()) return ring(1);
  drive(true);
  const bool quiet = endpoint_->may_sleep();
  wire_.unlock();
  pump_if_asked();
  if (waiting_.load() != 0) return;  // drive() has rung
  quiet ? watch_descriptor() : ring(1);
}

// This thread goes away to run what came; if others sleep, somebody has to hear of what comes next.
void OfiLamella::keep_watch() noexcept {
  if (watched_.load() || doorbell().waiters.load() == 0) return;
  bool quiet = false;
  {
    const base::Lock wire(wire_);
    drive(true);
    quiet = endpoint_->may_sleep();
  }
  pump_if_asked();
  quiet ? watch_descriptor() : ring(1);
}

bool OfiLamella::all_heard() {
  const base::Lock lock(mutex_);
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const Peer& peer) { return !peer.there || peer.heard; });
}

// On the helper's thread while connections are made, which needs both sides: also of a PE whose
// threads compute.
void OfiLamella::check_connections() noexcept {
  if (wire_.try_lock()) {
    drive(true);
    wire_.unlock();
    pump_if_asked();
  }
  if (all_heard()) {
    LAMELLAR_LOG_DEBUG("ofi: connected to all peers ({})", endpoint_->describe());
    return;
  }
  Pe silent = 0;
  {
    const base::Lock lock(mutex_);
    while (silent < num_pes() && (!peers_[silent].there || peers_[silent].heard)) ++silent;
  }
  // Both ends of a connection that is not made notice: the lower one says it.
  const std::uint64_t patience = silent < my_pe() ? kSpeakFirstNs : 0;
  const std::uint64_t now = base::now_ns();
  if (silent < num_pes() && now >= connect_deadline_ && now - connect_deadline_ >= patience) {
    return give_up(silent, "did not answer within " +
                               std::to_string(options_.connect_timeout_ns / 1'000'000) +
                               " ms (LAMELLAR_CONNECT_TIMEOUT)");
  }
  look_at_connections_in(kConnectTickNs);
}

void OfiLamella::look_at_connections_in(std::uint64_t delay_ns) noexcept {
  connect_timer_.store(helper_->call_after(delay_ns, [this] {
    if (!stopping_.load()) check_connections();
  }));
}

void OfiLamella::give_up(Pe pe, const std::string& why) noexcept {
  if (failure() != nullptr || !options_.fail) return;
  options_.fail(pe, "PE " + std::to_string(pe) + " (host " + options_.hosts[pe] + ", address " +
                        endpoint_->text_of(options_.addresses[pe]) + ") " + why + " over " +
                        endpoint_->describe() +
                        "; is that network up between the hosts and open for the user's ports? "
                        "LAMELLAR_INTERFACE chooses another one, LAMELLAR_PROVIDER another "
                        "provider");
}

void OfiLamella::depart() noexcept {
  {
    const base::Lock lock(mutex_);
    for (Pe pe = 0; pe < num_pes(); ++pe) {
      peers_[pe].bye_wanted = peers_[pe].there;
      if (peers_[pe].there) activate(pe);
    }
  }
  pump();
  const auto departed = [this] {
    const base::Lock lock(mutex_);
    return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
      return !peer.there || peer.failed ||
             (peer.bye_sent && peer.bye_heard && peer.came == peer.to_come);
    });
  };
  // Everybody is here or on the way, so this is short; a PE that dies now is no failure any more.
  const std::uint64_t deadline = base::now_ns() + kDepartNs;
  while (failure() == nullptr && base::now_ns() < deadline) {
    const std::uint32_t key = doorbell().prepare();
    bool may_sleep = false;
    {
      const base::Lock wire(wire_);
      drive(true);
      may_sleep = endpoint_->may_sleep();
    }
    pump_if_asked();
    if (departed()) return doorbell().cancel();
    if (may_sleep) {
      watch_descriptor();
      doorbell().commit(key, base::now_ns() + kLookNs, doorbell_scope());
    } else {
      doorbell().cancel();
    }
  }
  if (failure() == nullptr)
    LAMELLAR_LOG_WARN("not every PE took its leave within {} s; did one hang at its end?",
                      kDepartNs / 1'000'000'000);
}

}  // namespace lamellar::lamellae

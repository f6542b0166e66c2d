#pragma once
// The lamella behind make_ofi_lamella(). Three files: ofi_lamella.cpp (its life, waiting),
// ofi_send.cpp, ofi_receive.cpp.
//
// Two locks. wire_ is held by whoever works with the endpoint, and is only tried for, except before
// sleeping, before a thread goes to run what came while others sleep, and at the end (never by the
// helper): a thread that finds it taken leaves its wish to
// the holder, who looks again (asked_). mutex_ guards everything else and is held briefly; it may
// be taken while wire_ is held, never the other way round. Neither is held while a sink runs.
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock/mutex.hpp"
#include "base/helper/helper.hpp"
#include "base/wire/wire.hpp"
#include "lamellae/ofi/arena.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"

namespace lamellar::lamellae {

class OfiLamella final : public Lamella {
 public:
  OfiLamella(std::unique_ptr<Endpoint> endpoint, OfiOptions options);
  ~OfiLamella() override;

  Pe my_pe() const noexcept override { return options_.my_pe; }
  Pe num_pes() const noexcept override { return static_cast<Pe>(peers_.size()); }
  std::uint32_t frame_capacity() const noexcept override {
    return arena_.shape().frame_bytes - static_cast<std::uint32_t>(sizeof(wire::MessageHead));
  }
  std::uint32_t frames(Lane lane) const noexcept override {
    return lanes_[static_cast<std::size_t>(lane)];
  }
  std::uint32_t credits(Lane lane) const noexcept override;
  std::uint64_t pool_bytes() const noexcept override { return arena_.bytes(); }
  bool try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept override;
  void publish(FrameRef frame) noexcept override;
  void seal(const OpenFrame& frame) noexcept override;
  void discard(const OpenFrame& frame) noexcept override;
  bool poll(FrameSink& sink, Take take = Take::kAll) noexcept override;
  bool has_arrived() const noexcept override { return waiting_.load() != 0; }
  bool has_incoming(Take take = Take::kAll) noexcept override;
  std::uint32_t in_flight(Pe destination, Lane lane) const noexcept override;
  void want_frames(bool wanted) noexcept override;
  base::EventCount& doorbell() noexcept override { return options_.home->doorbell(); }
  base::FutexScope doorbell_scope() const noexcept override {
    return options_.home->doorbell_scope();
  }
  bool announce_failure(Pe culprit, std::string_view why,
                        const std::function<void()>& say) noexcept override {
    return options_.home->announce_failure(culprit, why, say);
  }
  const FailureNote* failure() const noexcept override { return options_.home->failure(); }
  void depart() noexcept override;
  Counters counters() const noexcept override;

 private:
  static constexpr std::size_t kHead = sizeof(wire::MessageHead);
  static constexpr std::size_t at(Lane lane) { return static_cast<std::size_t>(lane); }

  struct Frame {
    enum class State : std::uint8_t { kFree, kOpen, kSealed };
    std::atomic<std::uint32_t> committed{0};
    State state = State::kFree;
    bool queued = false;     // in its destination's queue
    bool requested = false;  // somebody published since it was looked at
    Lane lane = Lane::kRequest;
    Pe destination = 0;
    std::uint32_t life = 0;
    std::uint32_t stream = 0;  // 0: nothing was sent yet
    std::uint32_t sent = 0;    // bytes of payload
    std::uint32_t run = 0;     // header of the run that was open at `sent`
    bool ending = false;       // its last piece is being sent in place: what lay before is gone
    std::uint32_t amend = 0;   // of that piece
  };
  struct Piece {
    std::uint32_t from = 0, to = 0;
    std::uint32_t amend_at = wire::kNothing, amend = 0;
    bool last = false;
  };
  // A frame that arrives in pieces, in any order.
  struct Partial {
    Pe source = 0;
    Lane lane = Lane::kRequest;
    std::uint64_t key = 0;  // in its peer's partials
    std::uint32_t consumed = 0;
    std::uint32_t committed = 0;
    bool last = false;    // nothing comes behind `committed`
    bool queued = false;  // in the inbox, or in the hands of a receiver
    RunState run;
    std::vector<Piece> ahead;  // pieces that came before those in front of them
    std::unique_ptr<std::byte[]> payload;
  };
  struct Arrival {  // of news: a whole frame in a receive buffer, or more of a partial one
    Partial* partial = nullptr;
    const std::byte* payload = nullptr;
    std::uint32_t length = 0;
    std::uint32_t buffer = 0;
    Pe source = 0;
    Lane lane = Lane::kRequest;
  };
  struct Buffer {  // for what arrives
    std::uint32_t readers = 0;  // arrivals that lie in it
    bool lent = false;
  };
  struct Peer {
    bool there = false;      // one to send to
    std::atomic<std::uint32_t> in_flight[kLanes] = {0, 0};
    std::uint32_t sealed[kLanes] = {0, 0};    // frames of ours, cumulative
    std::uint32_t returned[kLanes] = {0, 0};  // of them consumed, as the peer told last
    std::uint32_t consumed[kLanes] = {0, 0};  // frames of the peer's
    std::uint32_t reported[kLanes] = {0, 0};
    std::deque<std::uint32_t> queue;          // frames that have something to send
    bool active = false;                      // in active_
    bool owing = false;                       // in owing_
    bool hello_wanted = false, credit_wanted = false, bye_wanted = false;
    bool note_busy = false;                   // its note is being sent
    bool heard = false, bye_heard = false, bye_sent = false, failed = false;
    std::uint32_t next_stream = 1;
    std::uint32_t left = 0;     // messages with frames that were sent to it
    std::uint32_t came = 0;     // and that came from it;
    std::uint32_t to_come = 0;  // once its bye is there: so many in all
    // By stream; above them whole frames that had to be copied.
    std::unordered_map<std::uint64_t, std::unique_ptr<Partial>> partials;
  };
  // What is sent, as the endpoint's token.
  enum class What : std::uint8_t { kFrame, kBounce, kNote };
  struct Message {
    What what = What::kFrame;
    std::uint32_t index = 0;
    std::uint32_t frame = 0;
    const std::byte* bytes = nullptr;
    std::uint32_t size = 0;
    std::uint32_t to = 0;   // of the frame's payload
    std::uint32_t run = 0;  // header of the run that is open there
    wire::MessageHead head;
  };
  enum class Step : std::uint8_t { kNothing, kSent, kBusy };

  // ofi_lamella.cpp
  void check_connections() noexcept;
  void look_at_connections_in(std::uint64_t delay_ns) noexcept;
  bool all_heard();
  void give_up(Pe pe, const std::string& why) noexcept;
  void watch_descriptor() noexcept;
  void on_descriptor() noexcept;
  void keep_watch() noexcept;
  void ring(int count) noexcept { doorbell().notify(count, doorbell_scope()); }

  // ofi_send.cpp. While wire_ is held: send_queued, send_one, sent, finished.
  void pump() noexcept;
  void pump_if_asked() noexcept;
  void retry_soon() noexcept;
  void send_queued() noexcept;
  Step send_one(Pe pe) noexcept;
  bool next_message(Pe pe, Message& message) noexcept;
  void next_note(Pe pe, wire::Message kind, Message& message) noexcept;
  bool next_of_frame(Pe pe, std::uint32_t index, Message& message) noexcept;
  void fill_head(Pe pe, Message& message, wire::Message kind) noexcept;
  void taken(Pe pe, const Message& message) noexcept;
  void not_taken(const Message& message) noexcept;
  void finished(std::uint64_t token, bool arrived) noexcept;
  void free_frame(std::uint32_t index) noexcept;
  void activate(Pe pe) noexcept;
  void request(Pe pe, std::uint32_t index) noexcept;
  void lose(Pe pe, const std::string& why) noexcept;
  void returned(Peer& peer, const std::uint32_t (&consumed)[2], const char*& fault) noexcept;

  // Arrivals that poll(sink, take) would deliver.
  std::uint32_t arrivals(Take take) const noexcept {
    return take == Take::kAll ? waiting_.load() : waiting_replies_.load();
  }
  // Requests that wait lie in all receive buffers: nothing else could arrive.
  bool starved() const noexcept { return waiting_.load() != 0 && lent_.load() == 0; }
  bool next_arrival(Take take, Arrival& arrival) noexcept;

  // ofi_receive.cpp. While wire_ is held: drive, lend, received.
  void drive(bool for_others) noexcept;
  void lend() noexcept;
  void received(const Endpoint::Event& event) noexcept;
  void make_way();
  void arrived(const Arrival& arrival, Lane lane);
  const char* take_message(const wire::MessageHead& head, const Endpoint::Event& event) noexcept;
  const char* take_frame(const wire::MessageHead& head, const Endpoint::Event& event) noexcept;
  const char* take_piece(Peer& peer, const wire::MessageHead& head,
                         const std::byte* payload) noexcept;
  std::unique_ptr<Partial> new_partial(Pe source, Lane lane, std::uint64_t key);
  bool advance(Partial& partial) noexcept;
  void deliver_whole(const Arrival& arrival, FrameSink& sink) noexcept;
  void deliver_partial(Partial& partial, FrameSink& sink) noexcept;
  void consumed(Pe source, Lane lane) noexcept;
  bool want_credit_notes() noexcept;

  const OfiOptions options_;
  const std::shared_ptr<base::Helper> helper_;
  std::uint32_t lanes_[kLanes] = {0, 0};
  Arena arena_;
  std::unique_ptr<Endpoint> endpoint_;

  base::Mutex wire_;
  std::vector<Buffer> buffers_;      // readers: under mutex_ as well
  std::vector<bool> lendable_;       // under mutex_
  std::atomic<bool> may_lend_{true}; // something became lendable
  std::string broken_;               // the endpoint is of no use: why
  alignas(64) std::atomic<bool> asked_{false};
  std::atomic<bool> watched_{false};     // the helper waits for the endpoint's descriptor
  std::atomic<bool> retrying_{false};    // retry_timer_ will drive
  std::atomic<base::Helper::Timer> retry_timer_{0};

  mutable base::Mutex mutex_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> free_[kLanes];
  std::vector<std::uint32_t> free_bounces_;
  std::vector<Pe> bounce_peer_;
  std::vector<Peer> peers_;
  std::deque<Pe> active_;            // peers with something to send
  std::atomic<std::size_t> actives_{0};  // of them; stored under mutex_, read without
  std::deque<Arrival> inbox_[kLanes];
  std::vector<Pe> owing_;            // peers that are owed a report of consumed frames
  std::vector<std::unique_ptr<Partial>> spare_;
  std::uint64_t next_shifted_ = 0;
  Counters counters_;
  std::atomic<std::uint32_t> wanting_{0};
  std::atomic<std::uint32_t> waiting_{0};          // arrivals in the inboxes
  std::atomic<std::uint32_t> waiting_replies_{0};  // of them in that of replies
  std::atomic<std::uint32_t> lent_{0};             // receive buffers that are
  std::atomic<std::uint32_t> idle_{0};     // polls without news
  std::atomic<bool> refused_one_{false};
  std::atomic<bool> lost_one_{false};  // a connection, or the endpoint: one is told

  std::atomic<bool> stopping_{false};
  std::atomic<base::Helper::Timer> connect_timer_{0};
  std::atomic<base::Helper::Timer> lose_timer_{0};
  std::uint64_t connect_deadline_ = 0;
};

}  // namespace lamellar::lamellae

#include "conformance/traffic.hpp"

#include <deque>

#include "base/clock/rng.hpp"
#include "base/clock/thread.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;

constexpr Lane kLanesOf[] = {Lane::kRequest, Lane::kReply};

// One PE of the job, with its threads.
class Actor {
 public:
  Actor(Lamella& lamella, const Plan& plan, Pe pes)
      : lamella_(lamella), plan_(plan), pes_(pes), ledger_(expected()) {
    for (unsigned s = 0; s < plan.senders; ++s)
      for (Pe to = 0; to < pes; ++to)
        if (plan.route(lamella.my_pe(), to))
          writers_.emplace_back(lamella, to, kLanesOf[s % 2]);
  }

  void start_receivers() {
    for (unsigned r = 0; r < plan_.receivers; ++r)
      receivers_.push_back(std::make_unique<base::Thread>("receiver", [this] { receive(); }));
  }
  void start_senders() {
    for (unsigned s = 0; s < plan_.senders; ++s)
      senders_.push_back(std::make_unique<base::Thread>("sender", [this, s] { send(s); }));
    if (plan_.publisher)
      publisher_ = std::make_unique<base::Thread>("publisher", [this] { publish(); });
  }
  void join_senders() {
    senders_.clear();
    sent_.store(true);
    publisher_.reset();
  }
  void stop_receivers() {
    stopping_.store(true);
    lamella_.doorbell().notify(INT32_MAX, lamella_.doorbell_scope());
  }
  void join_receivers() { receivers_.clear(); }
  void wait_for_all_records() { ledger_.wait(); }

  Lamella& lamella() { return lamella_; }
  Ledger& ledger() { return ledger_; }
  std::uint64_t opened() const {
    std::uint64_t sum = 0;
    for (const Writer& writer : writers_) sum += writer.opened();
    return sum;
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const Writer& writer : writers_) sum += writer.bytes();
    return sum;
  }

 private:
  std::vector<std::uint64_t> expected() const {
    std::vector<std::uint64_t> counts;
    for (Pe from = 0; from < pes_; ++from)
      counts.push_back(plan_.route(from, lamella_.my_pe()) ? plan_.senders * plan_.records : 0);
    return counts;
  }

  void receive() {
    for (;;) {
      if (lamella_.poll(ledger_)) continue;
      if (stopping_.load() && !lamella_.has_incoming()) return;
      sleep_unless(lamella_, [this] { return stopping_.load(); });
    }
  }

  void send(unsigned thread) {
    base::Rng rng(plan_.seed * 1000 + lamella_.my_pe() * 10 + thread);
    const std::size_t destinations = writers_.size() / plan_.senders;
    const auto mine = writers_.begin() + static_cast<std::ptrdiff_t>(thread * destinations);
    for (std::uint64_t i = 0; i < plan_.records; ++i) {
      for (std::size_t d = 0; d < destinations; ++d) {
        Writer& writer = *(mine + static_cast<std::ptrdiff_t>(d));
        const auto size = static_cast<std::uint32_t>(
            kSmallestRecord + rng.next() % (plan_.largest - kSmallestRecord + 1));
        const std::uint64_t number = thread * plan_.records + i;
        if (!writer.append(size, number)) wait_for_frame(writer, size, number, mine, destinations);
        const std::uint64_t what = rng.next() % 16;
        if (what < 3) writer.publish();
        if (what == 3) writer.seal();
      }
    }
    for (std::size_t d = 0; d < destinations; ++d) (mine + static_cast<std::ptrdiff_t>(d))->seal();
    if (plan_.receivers == 0) receive_until_complete();
  }

  template <class Mine>
  void wait_for_frame(Writer& writer, std::uint32_t size, std::uint64_t number, const Mine& mine,
                      std::size_t destinations) {
    // Frames are short: keep none open for the others meanwhile.
    for (std::size_t d = 0; d < destinations; ++d) (mine + static_cast<std::ptrdiff_t>(d))->seal();
    bool written = false;
    lamella_.want_frames(true);
    while (!written) {
      if (!lamella_.poll(ledger_)) {
        sleep_unless(lamella_, [&] { return written = writer.append(size, number); });
        written = written || writer.append(size, number);
      }
    }
    lamella_.want_frames(false);
    // The ring that woke us may have been for a frame: pass it on.
    if (lamella_.has_incoming()) lamella_.doorbell().notify(1, lamella_.doorbell_scope());
  }

  // The job's only threads: the others may still need what we take in.
  void receive_until_complete() {
    while (!stopping_.load() || lamella_.has_incoming())
      if (!lamella_.poll(ledger_)) sleep_unless(lamella_, [this] { return stopping_.load(); });
  }

  void publish() {
    base::Rng rng(plan_.seed * 77 + lamella_.my_pe());
    lamellae::FrameRef before;
    // Not for ever: a wake-up that got lost must show as "everybody sleeps".
    for (std::uint64_t look = 0; look < 20 * plan_.records; ++look) {
      if (sent_.load() || writers_.empty()) return;
      const lamellae::FrameRef last = writers_[rng.next() % writers_.size()].last();
      lamella_.publish(rng.next() % 4 == 0 ? before : last);
      before = last;
      base::yield_thread();
    }
  }

  Lamella& lamella_;
  const Plan& plan_;
  const Pe pes_;
  Ledger ledger_;
  std::deque<Writer> writers_;  // of thread 0 for each destination, of thread 1, ...
  std::vector<std::unique_ptr<base::Thread>> senders_;
  std::vector<std::unique_ptr<base::Thread>> receivers_;
  std::unique_ptr<base::Thread> publisher_;
  std::atomic<bool> sent_{false};
  std::atomic<bool> stopping_{false};
};

// Takes in what was still under way: frames that were sealed with nothing new in them.
void settle(std::deque<Actor>& actors) {
  for (int look = 0; look < 1'000'000; ++look) {
    std::uint32_t under_way = 0;
    for (Actor& actor : actors) {
      while (actor.lamella().poll(actor.ledger())) {
      }
      for (Pe to = 0; to < actors.size(); ++to)
        for (const Lane lane : kLanesOf) under_way += actor.lamella().in_flight(to, lane);
    }
    if (under_way == 0) return;
    base::yield_thread();
  }
}

void check_counters(const Subject& subject, std::deque<Actor>& actors) {
  lamellae::Counters sum;
  std::uint64_t opened = 0;
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
  for (Actor& actor : actors) {
    const lamellae::Counters c = actor.lamella().counters();
    EXPECT_EQ(c.frames_opened, actor.opened());
    EXPECT_GE(c.frames_handed_over, c.frames_opened);
    EXPECT_EQ(c.chunks_received, actor.ledger().chunks());
    EXPECT_EQ(c.bytes_received, actor.ledger().bytes());
    sum.frames_received += c.frames_received;
    sum.bytes_received += c.bytes_received;
    sum.bytes_copied += c.bytes_copied;
    sum.frames_refused += c.frames_refused;
    opened += actor.opened();
    bytes += actor.bytes();
    chunks += actor.ledger().chunks();
  }
  EXPECT_EQ(sum.frames_received, opened);
  EXPECT_EQ(sum.bytes_received, bytes);
  EXPECT_EQ(sum.frames_refused, 0u);
  EXPECT_GE(chunks, 1u);
  if (subject.by_reference) {
    EXPECT_EQ(sum.bytes_copied, 0u);
  }
}

}  // namespace

std::uint32_t free_frames(Lamella& lamella, Pe destination, Lane lane) {
  std::vector<lamellae::OpenFrame> frames;
  lamellae::OpenFrame frame;
  while (open_frame(lamella, destination, lane, frame)) frames.push_back(frame);
  for (const auto& open : frames) lamella.discard(open);
  return static_cast<std::uint32_t>(frames.size());
}

void run_traffic(const Subject& subject, const Shape& shape, const Plan& plan) {
  const std::unique_ptr<Endpoints> job = subject.make(shape);
  std::deque<Actor> actors;
  for (Pe pe = 0; pe < job->size(); ++pe) actors.emplace_back(job->at(pe), plan, job->size());
  for (Actor& actor : actors) actor.start_receivers();
  for (Actor& actor : actors) actor.start_senders();
  for (Actor& actor : actors) actor.wait_for_all_records();
  if (plan.receivers == 0)
    for (Actor& actor : actors) actor.stop_receivers();
  for (Actor& actor : actors) actor.join_senders();
  for (Actor& actor : actors) actor.stop_receivers();
  for (Actor& actor : actors) actor.join_receivers();
  settle(actors);
  for (Actor& actor : actors) {
    EXPECT_EQ(actor.ledger().complaint(), "") << "on PE " << actor.lamella().my_pe();
    EXPECT_EQ(actor.ledger().left(), 0u) << "on PE " << actor.lamella().my_pe();
    EXPECT_TRUE(falls_silent(actor.lamella(), subject.network));
    for (Pe to = 0; to < job->size(); ++to)
      for (const Lane lane : kLanesOf) EXPECT_EQ(actor.lamella().in_flight(to, lane), 0u);
  }
  check_counters(subject, actors);
  const std::unique_ptr<Endpoints> fresh = subject.make(shape);
  for (Actor& actor : actors)
    for (Pe to = 0; to < job->size(); ++to)
      for (const Lane lane : kLanesOf)
        EXPECT_EQ(free_frames(actor.lamella(), to, lane),
                  free_frames(fresh->at(actor.lamella().my_pe()), to, lane));
}

}  // namespace lamellar::conformance

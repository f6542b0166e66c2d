#include "lamellae/faulty/faulty.hpp"

#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/rng.hpp"
#include "base/clock/thread.hpp"
#include "base/log/log.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kOvertakenNs = 50'000;  // what nothing overtakes leaves after that time
constexpr std::uint64_t kRefusedNs = 20'000;    // then who wants frames is told to ask again

// Decisions of one kind: the n-th call gets the n-th pair of numbers of a stream. THREADS: any.
class Dice {
 public:
  enum class Kind : std::uint64_t { kDelay = 1, kReorder, kRefuse, kSlowPoll };
  Dice(const FaultPlan& plan, Pe pe, Kind kind, double probability) noexcept
      : threshold_(static_cast<std::uint64_t>(probability * 0x1p53)),
        stream_(base::Rng(plan.seed ^ base::Rng(pe * 64 + static_cast<std::uint64_t>(kind)).next())
                    .next()) {}

  // 0: no. Else yes, and any number up to `most`.
  std::uint64_t roll(std::uint64_t most = 1) noexcept {
    if (threshold_ == 0) return 0;
    constexpr std::uint64_t kTwoSteps = 2 * 0x9e3779b97f4a7c15u;
    base::Rng rng(stream_ + kTwoSteps * calls_.fetch_add(1, std::memory_order_relaxed));
    return rng.next() >> 11 < threshold_ ? 1 + rng.next() % most : 0;
  }

 private:
  const std::uint64_t threshold_;
  const std::uint64_t stream_;
  std::atomic<std::uint64_t> calls_{0};
};

class Faulty final : public Lamella {
 public:
  Faulty(std::unique_ptr<Lamella> inner, const FaultPlan& plan, std::function<void()> die)
      : inner_(std::move(inner)),
        plan_(plan),
        die_(std::move(die)),
        delay_(plan, inner_->my_pe(), Dice::Kind::kDelay, plan.delay),
        reorder_(plan, inner_->my_pe(), Dice::Kind::kReorder, plan.reorder),
        refuse_(plan, inner_->my_pe(), Dice::Kind::kRefuse, plan.refuse),
        slow_poll_(plan, inner_->my_pe(), Dice::Kind::kSlowPoll, plan.slow_poll) {
    if (plan.delay == 0 && plan.reorder == 0 && plan.refuse == 0) return;
    messenger_ = std::make_unique<base::Thread>("lml" + std::to_string(my_pe()) + ".faulty",
                                                [this] { deliver_in_time(); });
  }
  ~Faulty() override { let_all_go(); }

  Pe my_pe() const noexcept override { return inner_->my_pe(); }
  Pe num_pes() const noexcept override { return inner_->num_pes(); }
  std::uint32_t frame_capacity() const noexcept override { return inner_->frame_capacity(); }
  std::uint32_t frames(Lane lane) const noexcept override { return inner_->frames(lane); }
  std::uint32_t credits(Lane lane) const noexcept override { return inner_->credits(lane); }
  bool reaches_itself() const noexcept override { return inner_->reaches_itself(); }
  std::uint64_t pool_bytes() const noexcept override { return inner_->pool_bytes(); }

  bool try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept override {
    if (dead_.load()) return false;
    if (refuse_.roll() == 0) return inner_->try_open(destination, lane, frame);
    ring_later();
    return false;
  }
  void publish(FrameRef frame) noexcept override {
    Held held{Held::What::kPublish, {}, {}, {}, 0};
    held.frame.ref = frame;
    hand_over(held);
  }
  void seal(const OpenFrame& frame) noexcept override {
    hand_over({Held::What::kSeal, frame, {}, {}, 0});
  }
  void discard(const OpenFrame& frame) noexcept override { inner_->discard(frame); }

  bool try_claim_eager(Pe destination, EagerRoom& room) noexcept override {
    return !dead_.load() && refuse_.roll() == 0 && inner_->try_claim_eager(destination, room);
  }
  void post_eager(Pe destination, Lane lane, std::uint32_t bytes) noexcept override {
    hand_over({Held::What::kEager, {}, destination, lane, bytes});
  }
  void unclaim_eager(Pe destination) noexcept override { inner_->unclaim_eager(destination); }

  bool poll(FrameSink& sink, Take take) noexcept override {
    if (dead_.load() || looks_away()) return false;
    return inner_->poll(sink, take);
  }
  bool has_arrived() const noexcept override { return !dead_.load() && inner_->has_arrived(); }
  bool has_incoming(Take take) noexcept override {
    return !dead_.load() && inner_->has_incoming(take);
  }

  std::uint32_t in_flight(Pe destination, Lane lane) const noexcept override {
    return inner_->in_flight(destination, lane);
  }
  void want_frames(bool wanted) noexcept override {
    wanting_.fetch_add(wanted ? 1 : -1);
    inner_->want_frames(wanted);
  }
  base::EventCount& doorbell() noexcept override { return inner_->doorbell(); }
  base::FutexScope doorbell_scope() const noexcept override { return inner_->doorbell_scope(); }

  bool announce_failure(Pe culprit, std::string_view why,
                        const std::function<void()>& say) noexcept override {
    return inner_->announce_failure(culprit, why, say);
  }
  const FailureNote* failure() const noexcept override { return inner_->failure(); }
  void depart() noexcept override {
    let_all_go();
    inner_->depart();
  }
  bool has_departed(Pe pe) const noexcept override { return inner_->has_departed(pe); }
  Counters counters() const noexcept override { return inner_->counters(); }

 private:
  // Something that happens later than it was asked for.
  struct Held {
    enum class What : std::uint8_t { kPublish, kSeal, kEager, kRing };
    What what;
    OpenFrame frame;
    Pe destination;
    Lane lane;
    std::uint32_t bytes;
    bool until_overtaken = false;
  };

  void hand_over(Held held) noexcept {
    if (dead_.load()) return;
    std::uint64_t wait_ns = delay_.roll(plan_.delay_ns);
    if (wait_ns == 0 && reorder_.roll() != 0) {
      held.until_overtaken = true;
      wait_ns = kOvertakenNs;
    }
    if (wait_ns == 0 || !hold(held, wait_ns)) {
      let_go(held);
      let_overtaken_go();
    }
    if (my_pe() == plan_.kill_pe && sends_.fetch_add(1) + 1 == plan_.kill_after) die();
  }

  void let_go(const Held& held) noexcept {
    if (dead_.load()) return;
    switch (held.what) {
      case Held::What::kPublish:
        return inner_->publish(held.frame.ref);
      case Held::What::kSeal:
        return inner_->seal(held.frame);
      case Held::What::kEager:
        return inner_->post_eager(held.destination, held.lane, held.bytes);
      case Held::What::kRing:
        if (wanting_.load() != 0) doorbell().notify(INT32_MAX, doorbell_scope());
    }
  }

  // False: it must leave now.
  bool hold(const Held& held, std::uint64_t wait_ns) noexcept {
    const std::uint64_t due = base::now_ns() + wait_ns;
    {
      const base::Lock lock(mutex_);
      if (stopped_) return false;
      if (held.what == Held::What::kPublish && holds_publish_of(held.frame.ref)) return true;
      held_.emplace(due, held);
      overtakable_ += held.until_overtaken ? 1 : 0;
    }
    wake_messenger();
    return true;
  }

  // Under mutex_. It will take along what has been committed since.
  bool holds_publish_of(FrameRef frame) const noexcept {
    for (const auto& [due, held] : held_)
      if (held.what == Held::What::kPublish && held.frame.ref.index == frame.index &&
          held.frame.ref.life == frame.life)
        return true;
    return false;
  }

  // Something has just left that came after them.
  void let_overtaken_go() noexcept {
    if (overtakable_.load() == 0) return;
    std::vector<Held> overtaken;
    {
      const base::Lock lock(mutex_);
      for (auto it = held_.begin(); it != held_.end();) {
        const bool now = it->second.until_overtaken;
        if (now) overtaken.push_back(it->second);
        it = now ? held_.erase(it) : std::next(it);
      }
      overtakable_ -= static_cast<std::uint32_t>(overtaken.size());
    }
    for (const Held& held : overtaken) let_go(held);
  }

  // No frame that comes back may tell whoever was refused without need: do it instead.
  void ring_later() noexcept {
    const std::uint64_t due = base::now_ns() + kRefusedNs;
    {
      const base::Lock lock(mutex_);
      if (stopped_ || std::exchange(will_ring_, true)) return;
      held_.emplace(due, Held{Held::What::kRing, {}, {}, {}, 0});
    }
    wake_messenger();
  }

  bool looks_away() noexcept {
    if (plan_.slow_poll == 0) return false;
    if (plan_.slow_poll_ns == 0) return slow_poll_.roll() != 0;
    const std::uint64_t now = base::now_ns();
    if (now < blind_until_ns_.load(std::memory_order_relaxed)) return true;
    const std::uint64_t wait_ns = slow_poll_.roll(plan_.slow_poll_ns);
    if (wait_ns != 0) blind_until_ns_.store(now + wait_ns, std::memory_order_relaxed);
    return wait_ns != 0;
  }

  void die() noexcept {
    const std::string why = "PE " + std::to_string(my_pe()) + " dies after " +
                            std::to_string(plan_.kill_after) +
                            " sends, as LAMELLAR_FAULTS asks for";
    dead_.store(true);
    if (die_) {
      LAMELLAR_LOG_WARN("{}", why);
      die_();
    }
    inner_->announce_failure(my_pe(), why, [&] { LAMELLAR_LOG_ERROR("{}; the job ends", why); });
  }

  // --- the messenger -----------------------------------------------------------------------

  void wake_messenger() noexcept {
    news_.fetch_add(1);
    base::futex_wake(news_, 1);
  }

  void deliver_in_time() noexcept {
    std::vector<Held> due;
    for (;;) {
      const std::uint32_t seen = news_.load();
      const std::uint64_t now = base::now_ns();
      std::uint64_t next = base::kForever;
      due.clear();
      {
        const base::Lock lock(mutex_);
        if (stopped_) return;
        while (!held_.empty() && held_.begin()->first <= now) due.push_back(take_first());
        if (!held_.empty()) next = held_.begin()->first;
      }
      for (const Held& held : due) let_go(held);
      if (due.empty()) base::futex_wait(news_, seen, next);
    }
  }

  // Under mutex_.
  Held take_first() noexcept {
    const Held first = held_.begin()->second;
    held_.erase(held_.begin());
    if (first.what == Held::What::kRing) will_ring_ = false;
    overtakable_ -= first.until_overtaken ? 1 : 0;
    return first;
  }

  // From now on nothing is held any more. BLOCKS: until the messenger is done.
  void let_all_go() noexcept {
    {
      const base::Lock lock(mutex_);
      if (std::exchange(stopped_, true)) return;
    }
    wake_messenger();
    messenger_.reset();
    for (const auto& [due, held] : held_) let_go(held);
    held_.clear();
    overtakable_ = 0;
  }

  const std::unique_ptr<Lamella> inner_;
  const FaultPlan plan_;
  const std::function<void()> die_;
  Dice delay_;
  Dice reorder_;
  Dice refuse_;
  Dice slow_poll_;
  std::atomic<std::uint64_t> sends_{0};
  std::atomic<bool> dead_{false};
  std::atomic<int> wanting_{0};
  std::atomic<std::uint64_t> blind_until_ns_{0};

  base::Mutex mutex_;  // guards what follows
  std::multimap<std::uint64_t, Held> held_;  // by the time when it is due
  bool will_ring_ = false;                   // among them
  bool stopped_ = false;
  std::atomic<std::uint32_t> overtakable_{0};  // of them; read without the lock
  std::atomic<std::uint32_t> news_{0};         // the messenger sleeps on it
  std::unique_ptr<base::Thread> messenger_;    // last: it uses all of them
};

}  // namespace

std::unique_ptr<Lamella> make_faulty(std::unique_ptr<Lamella> inner, const FaultPlan& plan,
                                     std::function<void()> die) {
  if (plan.empty()) return inner;
  return std::make_unique<Faulty>(std::move(inner), plan, std::move(die));
}

}  // namespace lamellar::lamellae

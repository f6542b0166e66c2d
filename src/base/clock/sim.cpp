#include "base/clock/sim.hpp"

#include <climits>

#include "base/core/assert.hpp"

namespace lamellar::base {

constinit thread_local Sim* t_sim __attribute__((tls_model("initial-exec"))) = nullptr;
void switch_in_sim(SimHook hook) noexcept { t_sim->point(hook); }

struct Sim::Participant {
  enum class State : std::uint8_t { kRunnable, kBlocked, kGone };
  int index = 0;
  State state = State::kRunnable;
  const void* word = nullptr;  // what a blocked one waits for
  std::uint64_t deadline_ns = kForever;
  bool timed_out = false;
  std::condition_variable turn;
};

namespace {

constinit thread_local int t_index = -1;  // among the participants

constexpr std::uint64_t kStepNs = 250;  // virtual time that passes at every switch point

}  // namespace

Sim::Sim(std::uint64_t seed) : rng_(seed) {}
Sim::~Sim() = default;

void Sim::run(const std::function<void()>& body) {
  LAMELLAR_CHECK(t_sim == nullptr, "a simulation inside a simulation");
  enter(add_participant());
  try {
    body();
  } catch (...) {
    leave();
    throw;
  }
  leave();
}

int Sim::add_participant() noexcept {
  std::lock_guard lock(mutex_);
  participants_.push_back(std::make_unique<Participant>());
  participants_.back()->index = static_cast<int>(participants_.size()) - 1;
  return participants_.back()->index;
}

void Sim::enter(int participant) noexcept {
  t_sim = this;
  t_index = participant;
  std::unique_lock lock(mutex_);
  Participant& me = *participants_[static_cast<std::size_t>(participant)];
  if (running_ == nullptr && participant == 0) running_ = &me;
  me.turn.wait(lock, [&] { return running_ == &me; });
  note(me, SimHook::kStart);
}

void Sim::leave(std::atomic<std::uint32_t>* gone) noexcept {
  std::unique_lock lock(mutex_);
  Participant& me = *participants_[static_cast<std::size_t>(t_index)];
  me.state = Participant::State::kGone;
  note(me, SimHook::kExit);
  if (gone != nullptr) {
    gone->store(1);
    make_runnable(gone, INT_MAX);
  }
  t_sim = nullptr;
  t_index = -1;
  running_ = draw_next();
  if (running_ != nullptr) running_->turn.notify_one();
}

void Sim::note(const Participant& who, SimHook hook) noexcept {
  const std::uint64_t event[3] = {static_cast<std::uint64_t>(who.index),
                                  static_cast<std::uint64_t>(hook), time_ns_};
  for (const std::uint64_t value : event) hash_ = (hash_ ^ value) * 0x100000001b3u;
  ++steps_;
}

Sim::Participant* Sim::draw_next() noexcept {
  for (;;) {
    std::size_t runnable = 0;
    std::uint64_t earliest = kForever;
    bool anybody = false;
    for (const auto& p : participants_) {
      if (p->state == Participant::State::kBlocked && p->deadline_ns <= time_ns_) {
        p->state = Participant::State::kRunnable;
        p->timed_out = true;
      }
      if (p->state == Participant::State::kRunnable) ++runnable;
      if (p->state == Participant::State::kBlocked && p->deadline_ns < earliest)
        earliest = p->deadline_ns;
      anybody = anybody || p->state != Participant::State::kGone;
    }
    if (runnable != 0) {
      std::size_t pick = rng_.next() % runnable;
      for (const auto& p : participants_)
        if (p->state == Participant::State::kRunnable && pick-- == 0) return p.get();
    }
    if (!anybody) return nullptr;
    LAMELLAR_CHECK(earliest != kForever, "simulation: every thread sleeps and no timer is set");
    time_ns_ = earliest;
  }
}

void Sim::switch_from(Participant& me, SimHook hook, std::unique_lock<std::mutex>& lock) noexcept {
  note(me, hook);
  time_ns_ += kStepNs;
  running_ = draw_next();
  if (running_ == &me) return;
  running_->turn.notify_one();
  me.turn.wait(lock, [&] { return running_ == &me; });
}

void Sim::point(SimHook hook) noexcept {
  if (hook == SimHook::kQueue && SimStep::inside()) return;
  std::unique_lock lock(mutex_);
  switch_from(*participants_[static_cast<std::size_t>(t_index)], hook, lock);
}

bool Sim::wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
               std::uint64_t deadline_ns) noexcept {
  std::unique_lock lock(mutex_);
  Participant& me = *participants_[static_cast<std::size_t>(t_index)];
  if (word.load() == expected) {
    me.state = Participant::State::kBlocked;
    me.word = &word;
    me.deadline_ns = deadline_ns;
  }
  me.timed_out = false;
  switch_from(me, SimHook::kPark, lock);
  me.word = nullptr;
  me.deadline_ns = kForever;
  return !me.timed_out;
}

int Sim::make_runnable(const void* word, int count) noexcept {
  int woken = 0;
  for (const auto& p : participants_) {
    if (woken == count) break;
    if (p->state != Participant::State::kBlocked || p->word != word) continue;
    p->state = Participant::State::kRunnable;
    ++woken;
  }
  return woken;
}

int Sim::wake(std::atomic<std::uint32_t>& word, int count) noexcept {
  std::unique_lock lock(mutex_);
  const int woken = make_runnable(&word, count);
  if (SimStep::inside()) return woken;
  switch_from(*participants_[static_cast<std::size_t>(t_index)], SimHook::kWake, lock);
  return woken;
}

}  // namespace lamellar::base

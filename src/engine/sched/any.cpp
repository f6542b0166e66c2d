#include <lamellar/detail/any.hpp>
#include <lamellar/detail/slab.hpp>
#include <lamellar/task.hpp>
#include <string>
#include <utility>

#include "base/clock/clock.hpp"
#include "base/clock/sim_hook.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::detail {

// What the awaiter and those who may end its wait share; each holds a reference.
class AnyAwaiter::Race final : public FutureState<std::size_t> {
 public:
  explicit Race(engine::Scheduler& home) noexcept : FutureState(home) {
    set_destroy([](FutureCore* core) noexcept { slab_delete(static_cast<Race*>(core)); });
    label = {"the first of several", "co_await when_any"};
  }
  // The first one to come decides.
  void won(std::size_t index) noexcept {
    if (decided_.exchange(true)) return;
    emplace(index);
    complete();
  }

 private:
  std::atomic<bool> decided_{false};
};

// Waits in one of the futures, or behind the timer.
class AnyAwaiter::Entrant final : public Waker {
 public:
  Entrant(Race& its_race, std::size_t its_index) noexcept
      : Waker(&arrive, its_race.home()), race(&its_race), index(its_index) {
    race->retain();
  }
  ~Entrant() { race->release(); }
  static void arrive(Job* job) noexcept {
    auto* const me = static_cast<Entrant*>(job);
    me->race->won(me->index);
    slab_delete(me);
  }
  Race* race;
  std::size_t index;
};

AnyAwaiter::AnyAwaiter(std::vector<FutureCore*> futures, std::uint64_t deadline_ns,
                       std::stop_token token, std::source_location where)
    : futures_(std::move(futures)),
      deadline_ns_(deadline_ns),
      token_(std::move(token)),
      where_(where) {}

AnyAwaiter::~AnyAwaiter() {
  on_stop_.reset();
  if (!race_) return;
  for (std::size_t i = 0; i < entrants_.size(); ++i)
    if (futures_[i]->withdraw(*entrants_[i])) slab_delete(entrants_[i]);
  if (timer_waker_ != nullptr && race_->home().timers().remove(timer_)) slab_delete(timer_waker_);
}

bool AnyAwaiter::await_ready() noexcept {
  if (token_.stop_requested()) index_ = kStopped;
  for (std::size_t i = 0; i < futures_.size() && index_ == kUndecided; ++i)
    if (futures_[i]->ready()) index_ = i;
  return index_ != kUndecided;
}

bool AnyAwaiter::await_suspend(std::coroutine_handle<> self) {
  engine::Scheduler* home = this_thread().scheduler;
  if (home == nullptr && !futures_.empty()) home = &futures_[0]->home();
  race_ = StateRef<Race>(slab_new<Race>(*home));
  entrants_.reserve(futures_.size());
  for (FutureCore* const future : futures_) {
    auto* const entrant = slab_new<Entrant>(*race_.get(), entrants_.size());
    entrants_.push_back(entrant);
    if (future->enter(*entrant)) continue;
    race_->won(entrant->index);  // it is done already
    entrants_.pop_back();
    slab_delete(entrant);
    break;
  }
  if (deadline_ns_ != base::kForever) {
    timer_waker_ = slab_new<Entrant>(*race_.get(), kTimedOut);
    timer_.deadline_ns = deadline_ns_;
    timer_.waker = timer_waker_;
    if (home->timers().add(timer_)) home->timer_moved(deadline_ns_);
  }
  // May call back at once.
  on_stop_.emplace(token_, Stop{race_.get()});
  return waits_.suspend(*race_.get(), self, where_);
}

void AnyAwaiter::Stop::operator()() const noexcept {
  const base::SimStep step;  // ~stop_callback waits for the end of this
  race->won(kStopped);
}

std::size_t AnyAwaiter::await_resume() {
  return index_ != kUndecided ? index_ : race_->take();
}

engine::Scheduler& scheduler_of_this_task() {
  engine::Scheduler* const scheduler = this_thread().scheduler;
  if (scheduler == nullptr)
    throw Error("this works inside a task only: start it with World::spawn or World::block_on");
  return *scheduler;
}

void check_any(std::size_t outcome, std::source_location where) {
  const auto at = [where] {
    return std::string(" (") + where.file_name() + ":" + std::to_string(where.line()) + ")";
  };
  if (outcome == AnyAwaiter::kTimedOut)
    throw TimedOut("what was waited for did not come in time" + at());
  if (outcome == AnyAwaiter::kStopped)
    throw Cancelled("a wait was stopped by its stop token" + at());
}

}  // namespace lamellar::detail

namespace lamellar {

Task<void> sleep_for(std::chrono::nanoseconds delay, std::stop_token token,
                     std::source_location where) {
  engine::Scheduler& scheduler = detail::scheduler_of_this_task();
  const std::uint64_t deadline = detail::ns_from_now(delay);
  std::vector<detail::FutureCore*> none;
  const std::size_t outcome =
      co_await detail::AnyAwaiter(std::move(none), deadline, std::move(token), where);
  if (outcome == detail::AnyAwaiter::kStopped) detail::check_any(outcome, where);
  if (scheduler.stopping() && base::now_ns() < deadline)
    throw WorldEnded("the world has ended while a task slept");
}

}  // namespace lamellar

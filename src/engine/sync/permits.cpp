#include <lamellar/detail/sync_core.hpp>
#include <new>
#include <string>

#include "base/core/assert.hpp"
#include "engine/sync/lock.hpp"
#include "engine/sync/planted.hpp"

namespace lamellar::detail {
namespace {

constexpr std::uint64_t kWaited = 1;
constexpr std::uint64_t kOne = 2;

}  // namespace

HiddenMutex::HiddenMutex() noexcept {
  static_assert(sizeof(base::Mutex) <= sizeof(place_));
  new (place_) base::Mutex;
}

HiddenMutex::~HiddenMutex() { engine::lock_of(*this).~Mutex(); }

Permits::Permits(std::uint64_t count, const char* what) : state_(count * kOne), what_(what) {
  LAMELLAR_CHECK(count <= kMost, "more permits than a semaphore can count");
}

Permits::~Permits() {
  LAMELLAR_CHECK(waiting_.empty(),
                 (std::string(what_) + " was destroyed while coroutines wait for it").c_str());
}

bool Permits::try_acquire(std::uint64_t amount) noexcept {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  base::sim_point();
  while ((seen & kWaited) == 0 && seen / kOne >= amount)
    if (state_.compare_exchange_weak(seen, seen - amount * kOne)) return true;
  return false;
}

void Permits::release(std::uint64_t amount) noexcept {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  base::sim_point();
  for (;;) {
    LAMELLAR_CHECK(amount <= kMost && seen / kOne + amount <= kMost,
                   "more permits were released than a semaphore can count");
    if ((seen & kWaited) == 0) {
      // From here on it may be destroyed: who gets the permits may be the last user.
      if (state_.compare_exchange_weak(seen, seen + amount * kOne)) return;
      continue;
    }
    engine::WakeList wakes;
    base::sim_point();
    const base::Lock lock(engine::lock_of(mutex_));
    seen = state_.load();
    if ((seen & kWaited) == 0) continue;  // they have all gone meanwhile
    base::sim_point();
    state_.store(seen + amount * kOne);
    return grant(wakes);
  }
}

// Under the lock, while the mark of waiters is set.
void Permits::grant(engine::WakeList& wakes) noexcept {
  std::uint64_t permits = state_.load() / kOne;
  base::sim_point();
  while (!waiting_.empty() && permits >= waiting_.first()->amount) {
    permits -= waiting_.first()->amount;
    wakes.grant_first(waiting_);
  }
  state_.store(permits * kOne + (waiting_.empty() ? 0 : kWaited));
}

bool Permits::suspend(Waiter& waiter, std::coroutine_handle<> self, std::source_location where) {
  WaitLabel label{what_, "co_await it"};
  label.where = where;
  return engine::suspend(mutex_, waiter, self, label, [&] { return enter(waiter); });
}

// Under the lock. False: it has its permits.
bool Permits::enter(Waiter& waiter) noexcept {
  std::uint64_t seen = state_.load();
  while ((seen & kWaited) == 0) {
    const bool enough = seen / kOne >= waiter.amount;
    const std::uint64_t wanted = enough ? seen - waiter.amount * kOne : seen | kWaited;
    base::sim_point();
    if (engine::g_planted_lost_permit.load(std::memory_order_relaxed)) [[unlikely]]
      state_.store(wanted);
    else if (!state_.compare_exchange_weak(seen, wanted))
      continue;
    if (enough) return false;
    break;
  }
  waiting_.push_back(waiter);
  return true;
}

void Permits::withdraw(Waiter& waiter) noexcept {
  engine::withdraw(mutex_, waiter, [&](engine::WakeList& wakes) {
    if (!waiter.granted) {
      waiting_.remove(waiter);
      return grant(wakes);
    }
    if (waiting_.empty()) {
      state_.fetch_add(waiter.amount * kOne);
    } else {
      state_.store(state_.load() + waiter.amount * kOne);
      grant(wakes);
    }
  });
}

}  // namespace lamellar::detail

#include <lamellar/detail/sync_core.hpp>
#include <string>

#include "base/core/assert.hpp"
#include "engine/sync/lock.hpp"

namespace lamellar::detail {

using engine::lock_of;
using engine::WakeList;

Arrivals::~Arrivals() {
  LAMELLAR_CHECK(waiting_.empty(),
                 (std::string(what_) + " was destroyed while coroutines wait for it").c_str());
}

// Under the lock. Whether the round has ended.
bool Arrivals::count(std::uint64_t arrived, WakeList& wakes) noexcept {
  LAMELLAR_CHECK(arrived <= missing_,
                 (std::string(what_) + ": " + std::to_string(arrived) + " arrived where " +
                  std::to_string(missing_) + " were missing")
                     .c_str());
  missing_ -= arrived;
  if (missing_ != 0) return false;
  missing_ = next_;
  while (!waiting_.empty()) wakes.grant_first(waiting_);
  return true;
}

void Arrivals::arrive(std::uint64_t arrived) noexcept {
  base::sim_point();
  WakeList wakes;
  const base::Lock lock(lock_of(mutex_));
  count(arrived, wakes);
}

void Arrivals::arrive_and_drop() noexcept {
  base::sim_point();
  WakeList wakes;
  const base::Lock lock(lock_of(mutex_));
  if (next_ != 0) --next_;
  count(1, wakes);
}

bool Arrivals::open() const noexcept {
  const base::Lock lock(lock_of(mutex_));
  return missing_ == 0;
}

bool Arrivals::suspend(Waiter& waiter, std::coroutine_handle<> self, std::source_location where) {
  WaitLabel label{what_, "co_await it"};
  label.where = where;
  WakeList wakes;
  return engine::suspend(mutex_, waiter, self, label, [&] {
    const bool ended = waiter.amount != 0 && count(waiter.amount, wakes);
    if (ended || missing_ == 0) return false;
    waiting_.push_back(waiter);
    return true;
  });
}

void Arrivals::withdraw(Waiter& waiter) noexcept {
  engine::withdraw(mutex_, waiter, [&](WakeList&) {
    if (!waiter.granted) waiting_.remove(waiter);
  });
}

}  // namespace lamellar::detail

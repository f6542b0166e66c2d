#include "engine/sched/timers.hpp"

#include <array>
#include <utility>

namespace lamellar::engine {

void Timers::swap(std::size_t a, std::size_t b) noexcept {
  std::swap(heap_[a], heap_[b]);
  heap_[a]->place = a;
  heap_[b]->place = b;
}

void Timers::up(std::size_t at) noexcept {
  for (; at != 0 && before(at, (at - 1) / 2); at = (at - 1) / 2) swap(at, (at - 1) / 2);
}

void Timers::down(std::size_t at) noexcept {
  for (;;) {
    std::size_t least = at;
    for (std::size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap_.size(); ++child)
      if (before(child, least)) least = child;
    if (least == at) return;
    swap(at, least);
    at = least;
  }
}

void Timers::take_out(std::size_t at) noexcept {
  const std::size_t last = heap_.size() - 1;
  swap(at, last);
  heap_[last]->place = Timer::kNowhere;
  heap_.pop_back();
  if (at < heap_.size()) {
    down(at);
    up(at);
  }
  next_ns_.store(heap_.empty() ? base::kForever : heap_[0]->deadline_ns);
}

bool Timers::add(Timer& timer) {
  const base::Lock lock(mutex_);
  timer.place = heap_.size();
  heap_.push_back(&timer);
  up(timer.place);
  if (timer.place != 0) return false;
  next_ns_.store(timer.deadline_ns);
  return true;
}

bool Timers::remove(Timer& timer) noexcept {
  const base::Lock lock(mutex_);
  if (timer.place == Timer::kNowhere) return false;
  take_out(timer.place);
  return true;
}

bool Timers::fire(std::uint64_t now_ns) noexcept {
  bool any = false;
  std::array<detail::Waker*, 64> due;
  std::size_t count = 0;
  do {
    count = 0;
    {
      const base::Lock lock(mutex_);
      while (count < due.size() && !heap_.empty() && heap_[0]->deadline_ns <= now_ns) {
        due[count++] = heap_[0]->waker;
        take_out(0);
      }
    }
    // From here on a timer may be gone; its waker is ours.
    for (std::size_t i = 0; i < count; ++i) due[i]->wake();
    any = any || count != 0;
  } while (count == due.size());
  return any;
}

}  // namespace lamellar::engine

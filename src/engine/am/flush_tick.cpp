#include "engine/am/flush_tick.hpp"

#include <algorithm>

#include "base/clock/clock.hpp"
#include "base/clock/futex.hpp"

namespace lamellar::engine {
namespace {

// A thread in user code that left an open frame alone is looked at ever more rarely: its next
// append goes through the library, but one that was on its way when the frame was declared quiet
// is only found by looking.
constexpr std::uint64_t kSlowestNs = 100'000'000;

constinit base::Mutex g_mutex;
constinit std::weak_ptr<FlushTick> g_helper;

}  // namespace

std::shared_ptr<FlushTick> FlushTick::shared() {
  base::Lock lock(g_mutex);
  auto helper = g_helper.lock();
  if (!helper) {
    helper = std::make_shared<FlushTick>();
    g_helper = helper;
  }
  return helper;
}

FlushTick::FlushTick()
    : thread_(std::make_unique<base::Thread>("lml-helper", [this] { run(); })) {}

FlushTick::~FlushTick() {
  stopping_.store(true);
  news_.fetch_add(1);
  base::futex_wake(news_, 1);
}

void FlushTick::add(TickTarget& target) {
  base::Lock lock(mutex_);
  targets_.push_back(&target);
}

void FlushTick::remove(TickTarget& target) {
  base::Lock lock(mutex_);
  std::erase(targets_, &target);
}

void FlushTick::arm() noexcept {
  armed_.fetch_add(1);  // pairs with run(): who lowers the mode looks at armed_ afterwards
  if (mode_.load() == kFast || mode_.exchange(kFast) == kFast) return;
  news_.fetch_add(1);
  base::futex_wake(news_, 1);
}

TickTarget::Seen FlushTick::tick_all(std::uint64_t& interval_ns) noexcept {
  base::Lock lock(mutex_);
  auto most = TickTarget::Seen::kNothing;
  interval_ns = kSlowestNs;
  for (TickTarget* target : targets_) {
    most = std::max(most, target->tick());
    interval_ns = std::min(interval_ns, std::max<std::uint64_t>(target->tick_interval_ns(), 1));
  }
  return most;
}

void FlushTick::run() noexcept {
  std::uint64_t interval_ns = 0;
  std::uint64_t slow_ns = 0;
  while (!stopping_.load()) {
    const std::uint32_t seen_news = news_.load();
    const std::uint64_t seen_armed = armed_.load();
    const auto seen = tick_all(interval_ns);
    if (seen == TickTarget::Seen::kActive) {
      slow_ns = interval_ns;
      mode_.store(kFast);
    } else {
      mode_.store(seen == TickTarget::Seen::kNothing ? kAsleep : kSlow);
      slow_ns = std::min(kSlowestNs, std::max(slow_ns, interval_ns) * 2);
      if (armed_.load() != seen_armed) mode_.store(kFast);
    }
    const std::uint32_t now_mode = mode_.load();
    if (now_mode == kAsleep)
      base::futex_wait(news_, seen_news);
    else
      base::futex_wait(news_, seen_news,
                       base::now_ns() + (now_mode == kFast ? interval_ns : slow_ns));
  }
}

}  // namespace lamellar::engine

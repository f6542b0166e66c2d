#pragma once
// The helper thread: hands over what threads in user code have appended and left lying, at the
// latest after LAMELLAR_FLUSH_US. One per process, for all its worlds; it sleeps without a timer
// while nobody has anything open.
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock/mutex.hpp"
#include "base/clock/thread.hpp"

namespace lamellar::engine {

// Who has frames to look after.
class TickTarget {
 public:
  enum class Seen : std::uint8_t { kNothing, kQuiet, kActive };
  // Hands over what is committed. THREADS: the helper's.
  virtual Seen tick() noexcept = 0;
  virtual std::uint64_t tick_interval_ns() const noexcept = 0;

 protected:
  ~TickTarget() = default;
};

class FlushTick {
 public:
  FlushTick();
  ~FlushTick();

  // The helper of this process; it ends with the last holder.
  static std::shared_ptr<FlushTick> shared();

  void add(TickTarget& target);
  void remove(TickTarget& target);
  // Something was opened: look soon. Cheap when the helper is at it anyway. THREADS: any.
  void arm() noexcept;

 private:
  enum Mode : std::uint32_t { kAsleep, kFast, kSlow };
  void run() noexcept;
  TickTarget::Seen tick_all(std::uint64_t& interval_ns) noexcept;

  base::Mutex mutex_;  // guards targets_; held during a tick, so remove() waits for it
  std::vector<TickTarget*> targets_;
  std::atomic<std::uint32_t> mode_{kAsleep};
  std::atomic<std::uint64_t> armed_{0};
  std::atomic<std::uint32_t> news_{0};
  std::atomic<bool> stopping_{false};
  std::unique_ptr<base::Thread> thread_;
};

}  // namespace lamellar::engine

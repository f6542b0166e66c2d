#pragma once
// Sees to it that a PE answers while its threads compute in user code: when the helper finds that
// none of them looked at the network between two of its ticks, and none sleeps where senders would
// wake it, one thread more goes on duty. It works and sleeps as the others do, so that senders wake
// it and the helper need not look any more, until one of the others attends again.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <lamellar/types.hpp>

#include "base/clock/affinity.hpp"
#include "base/clock/event_count.hpp"
#include "base/clock/thread.hpp"
#include "base/helper/helper.hpp"

namespace lamellar::engine {

class Attendance final : private base::TickTarget {
 public:
  struct Signs {
    std::atomic<bool>* looked = nullptr;  // set by every look; taken back here
    const base::EventCount* doorbell = nullptr;
    const std::atomic<std::uint32_t>* searching = nullptr;  // threads about to look
  };
  // `duty` is run on the thread that stands in, until it finds the PE attended. From `cpus` the
  // system chooses where; none: wherever the helper may run.
  Attendance(Pe pe, Signs signs, base::Cpus cpus, std::function<void()> duty);
  ~Attendance();
  Attendance(const Attendance&) = delete;
  Attendance& operator=(const Attendance&) = delete;

  // From now on the PE is looked after. Once.
  void start();
  // BLOCKS: until the duty has ended; it must know itself that it should. Once.
  void stop() noexcept;

  // A thread that was counted as a sleeper of the doorbell is no longer: it may go and compute.
  // THREADS: any. Costs a load, mostly.
  void woke_up() noexcept {
    if (!watched_.load()) begin_watch();
  }

 private:
  Seen tick() noexcept override;
  std::uint64_t tick_interval_ns() const noexcept override { return 2'000'000; }
  // Who wakes up in the middle of the first tick that lowers watched_ may miss it, and computes at
  // the second one. From then on nobody misses it.
  int patience() const noexcept override { return 2; }
  void begin_watch() noexcept;
  void call() noexcept;
  void stand_in() noexcept;

  const Pe pe_;
  const Signs signs_;
  const base::Cpus cpus_;
  const std::function<void()> duty_;
  const std::shared_ptr<base::Helper> helper_;
  // The helper ticks, or somebody is on duty. False: all who might attend sleep on the doorbell,
  // and the first that wakes up begins the watch.
  std::atomic<bool> watched_{false};
  std::atomic<bool> on_duty_{false};
  std::atomic<bool> stopping_{false};
  base::EventCount bell_;
  std::unique_ptr<base::Thread> thread_;  // started by the helper when it is needed first
};

}  // namespace lamellar::engine

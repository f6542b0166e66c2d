#pragma once
// The helper thread: one per process, for all its worlds. It looks after what threads in user code
// have left lying (open frames, arriving messages), and waits for file descriptors (the death of
// sibling processes).
// It sleeps without a timer while nobody needs a look. PROCESS-GLOBAL: the helper.
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/thread.hpp"

namespace lamellar::base {

// Who wants to be looked after. Each has a rhythm of its own.
class TickTarget {
 public:
  enum class Seen : std::uint8_t { kNothing, kQuiet, kActive };
  // Hands over what lies about. THREADS: the helper's. BLOCKS: never for long, others wait.
  virtual Seen tick() noexcept = 0;
  virtual std::uint64_t tick_interval_ns() const noexcept = 0;
  // After how many ticks in a row without kActive it is looked at more and more rarely (kQuiet), or
  // not any more until it is armed again (kNothing). Not the first: who arms now and then would
  // wake the helper each time, which costs more than the looks.
  virtual int patience() const noexcept { return 10; }

 protected:
  ~TickTarget() = default;

 private:
  friend class Helper;
  enum Mode : std::uint32_t { kAsleep, kFast, kSlow };
  std::atomic<std::uint32_t> mode_{kAsleep};
  std::atomic<std::uint64_t> armed_{0};
  // The helper's own.
  std::uint32_t its_mode_ = kAsleep;  // as the helper set it; another one: armed since
  std::uint64_t armed_before_ = 0;
  std::uint64_t due_ns_ = kForever;
  std::uint64_t slow_ns_ = 0;
  int quiet_ = 0;
};

class Helper {
 public:
  Helper();
  ~Helper();  // ends the thread

  // The helper of this process; it ends with the last holder.
  static std::shared_ptr<Helper> shared();

  void add(TickTarget& target);
  void remove(TickTarget& target);  // BLOCKS: while its tick runs
  // Something was opened: look soon. Cheap when the helper is at it anyway. THREADS: any.
  void arm(TickTarget& target) noexcept;

  // Calls `ready` on the helper's thread once `fd` is readable, then forgets it. Not inside a
  // simulation. LIFETIME: fd stays open until then or until unwatch().
  void watch(int fd, std::function<void()> ready);
  // BLOCKS: while its `ready` runs (but may be called from there).
  void unwatch(int fd);
  using Timer = std::uint64_t;  // never used twice; 0: none
  // Calls `then` on the helper's thread after `delay_ns`. May be called from a `ready`.
  Timer call_after(std::uint64_t delay_ns, std::function<void()> then);
  // Has no effect when it has run, or is none. BLOCKS: while a callback runs, whichever.
  void cancel(Timer timer);

 private:
  void run() noexcept;
  std::uint64_t tick_all() noexcept;
  static void tick(TickTarget& target, std::uint64_t now) noexcept;
  void sleep(std::uint32_t seen_news, std::uint64_t deadline_ns) noexcept;
  void serve_descriptors() noexcept;
  void wake() noexcept;

  Mutex mutex_;  // guards targets_; held during a tick, so remove() waits for it
  std::vector<TickTarget*> targets_;
  std::recursive_mutex watch_mutex_;  // guards what follows; held while a callback runs
  std::map<int, std::function<void()>> watches_;
  std::map<Timer, int> timers_;  // their timerfds are among them
  Timer last_timer_ = 0;
  std::atomic<std::uint32_t> news_{0};
  std::atomic<bool> stopping_{false};
  int epoll_ = -1;  // -1 inside a simulation: then it sleeps on news_
  int bell_ = -1;   // eventfd in epoll_
  std::unique_ptr<Thread> thread_;
};

}  // namespace lamellar::base

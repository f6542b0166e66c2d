#pragma once
// Every thread the runtime starts.
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <thread>

#include "base/clock/affinity.hpp"

namespace lamellar::base {

class Thread {
 public:
  Thread() = default;
  // Starts `body` under `name` (at most 15 characters are shown by tools), with all signals
  // blocked but those a thread causes itself: the program's own threads get the others. Takes
  // part in the simulation of its parent. It keeps to `cpus` when there are any, except in a
  // simulation.
  Thread(const std::string& name, std::function<void()> body, Cpus cpus = {});
  Thread(Thread&&) = delete;
  ~Thread();  // joins

  // BLOCKS: until the thread ended. Does nothing when it never started or was joined.
  void join();

 private:
  std::atomic<std::uint32_t> gone_{0};  // inside a simulation: has left it
  std::thread thread_;
};

// While it lives, the threads that its thread starts keep to one cpu each: the first to the first
// of `cpus`, and so on; those beyond, and all of a simulation, may run wherever their parent may.
// LIFETIME: `cpus` until it ends; one inside another counts alone. THREADS: its own.
class PinNewThreads {
 public:
  explicit PinNewThreads(std::span<const std::uint32_t> cpus) noexcept;
  ~PinNewThreads();
  PinNewThreads(const PinNewThreads&) = delete;
  PinNewThreads& operator=(const PinNewThreads&) = delete;

 private:
  friend class Thread;
  // One, or none when none is left.
  Cpus take();
  std::span<const std::uint32_t> cpus_;
  PinNewThreads* const outer_;
};

}  // namespace lamellar::base

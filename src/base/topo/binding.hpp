#pragma once
// The calling thread, kept to one cpu for a while.
#include <sys/types.h>

#include <cstdint>

#include "base/clock/affinity.hpp"

namespace lamellar::base {

// The cpus that this thread may use, or might without a Binding; at least one. A cgroup's cpuset is
// respected. Inside a simulation one, so that it is the same run everywhere.
Cpus allowed_cpus();

// LIFETIME: may end on another thread than its own, also when that is gone.
class Binding {
 public:
  Binding() = default;  // of nothing
  // Keeps this thread, and those that it starts meanwhile, to `cpu`. Nothing inside a simulation,
  // or where the system refuses it.
  explicit Binding(std::uint32_t cpu);
  ~Binding() { release(); }
  Binding(Binding&& other) noexcept;
  Binding& operator=(Binding&& other) noexcept;

  // Whether the system has done it, and release() has not been called.
  bool holds() const noexcept { return thread_ != 0; }
  // The thread may use again what it was allowed before; but when it was moved by others since it
  // stays where they want it. Threads that it has started stay where they are.
  void release() noexcept;

 private:
  pid_t thread_ = 0;
  std::uint32_t cpu_ = 0;
  Cpus before_;
};

}  // namespace lamellar::base

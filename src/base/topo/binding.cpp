#include "base/topo/binding.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/clock/sim.hpp"

namespace lamellar::base {
namespace {

// What this thread was allowed before the last Binding of it.
thread_local Cpus t_before;
thread_local std::uint32_t t_cpu = 0;

pid_t this_thread() noexcept { return static_cast<pid_t>(syscall(SYS_gettid)); }

// A thread's number may belong to another process after it has ended.
bool is_thread_of_this_process(pid_t thread) noexcept {
  return syscall(SYS_tgkill, getpid(), thread, 0) == 0;
}

}  // namespace

Cpus allowed_cpus() {
  if (t_sim != nullptr) return {0};
  Cpus now = affinity_of(0);
  if (now.empty()) return {0};
  return !t_before.empty() && now == Cpus{t_cpu} ? t_before : now;
}

Binding::Binding(std::uint32_t cpu) {
  if (t_sim != nullptr) return;
  before_ = allowed_cpus();
  if (!set_affinity(0, {cpu})) return;
  thread_ = this_thread();
  cpu_ = t_cpu = cpu;
  t_before = before_;
}

Binding::Binding(Binding&& other) noexcept
    : thread_(std::exchange(other.thread_, 0)),
      cpu_(other.cpu_),
      before_(std::move(other.before_)) {}

Binding& Binding::operator=(Binding&& other) noexcept {
  release();
  thread_ = std::exchange(other.thread_, 0);
  cpu_ = other.cpu_;
  before_ = std::move(other.before_);
  return *this;
}

void Binding::release() noexcept {
  const pid_t thread = std::exchange(thread_, 0);
  if (thread == 0 || !is_thread_of_this_process(thread)) return;
  if (affinity_of(thread) == Cpus{cpu_}) static_cast<void>(set_affinity(thread, before_));
}

}  // namespace lamellar::base

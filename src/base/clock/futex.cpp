#include "base/clock/futex.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock/sim.hpp"

namespace lamellar::base {
namespace {

long futex(std::atomic<std::uint32_t>& word, int op, std::uint32_t value, const timespec* time,
           std::uint32_t mask, FutexScope scope) noexcept {
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  const int flag = scope == FutexScope::kProcess ? FUTEX_PRIVATE_FLAG : 0;
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), op | flag, value, time,
                 nullptr, mask);
}

}  // namespace

bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::uint64_t deadline_ns, FutexScope scope) noexcept {
  if (Sim* sim = t_sim) return sim->wait(word, expected, deadline_ns);
  timespec until{};
  const timespec* time = nullptr;
  if (deadline_ns != kForever) {
    until.tv_sec = static_cast<time_t>(deadline_ns / 1'000'000'000u);
    until.tv_nsec = static_cast<long>(deadline_ns % 1'000'000'000u);
    time = &until;
  }
  const long r = futex(word, FUTEX_WAIT_BITSET, expected, time, FUTEX_BITSET_MATCH_ANY, scope);
  return !(r == -1 && errno == ETIMEDOUT);
}

int futex_wake(std::atomic<std::uint32_t>& word, int count, FutexScope scope) noexcept {
  if (Sim* sim = t_sim) return sim->wake(word, count);
  const long r = futex(word, FUTEX_WAKE, static_cast<std::uint32_t>(count), nullptr, 0, scope);
  return r < 0 ? 0 : static_cast<int>(r);
}

void yield_thread() noexcept {
  if (Sim* sim = t_sim) return sim->point(SimHook::kYield);
  sched_yield();
}

}  // namespace lamellar::base

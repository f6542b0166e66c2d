#include "base/clock/affinity.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace lamellar::base {
namespace {

constexpr std::size_t kMostCpus = std::size_t{1} << 20;

// A cpu_set_t for as many cpus as are needed.
class Mask {
 public:
  explicit Mask(std::size_t cpus) : bytes_(CPU_ALLOC_SIZE(cpus)), set_(CPU_ALLOC(cpus)) {
    CPU_ZERO_S(bytes_, set_);
  }
  ~Mask() { CPU_FREE(set_); }
  Mask(const Mask&) = delete;
  Mask& operator=(const Mask&) = delete;

  std::size_t bytes() const noexcept { return bytes_; }
  cpu_set_t* get() noexcept { return set_; }

 private:
  const std::size_t bytes_;
  cpu_set_t* const set_;
};

}  // namespace

Cpus affinity_of(pid_t tid) {
  // The kernel refuses a mask that is shorter than its own, and does not say how long that is.
  for (std::size_t size = CPU_SETSIZE; size <= kMostCpus; size *= 2) {
    Mask mask(size);
    if (sched_getaffinity(tid, mask.bytes(), mask.get()) == 0) {
      Cpus cpus;
      for (std::uint32_t cpu = 0; cpu < size; ++cpu)
        if (CPU_ISSET_S(cpu, mask.bytes(), mask.get())) cpus.push_back(cpu);
      return cpus;
    }
    if (errno != EINVAL) break;
  }
  return {};
}

bool set_affinity(pid_t tid, const Cpus& cpus) {
  if (cpus.empty()) return false;
  Mask mask(std::size_t{*std::max_element(cpus.begin(), cpus.end())} + 1);
  for (const std::uint32_t cpu : cpus) CPU_SET_S(cpu, mask.bytes(), mask.get());
  return sched_setaffinity(tid, mask.bytes(), mask.get()) == 0;
}

}  // namespace lamellar::base

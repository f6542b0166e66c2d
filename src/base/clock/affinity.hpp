#pragma once
// The cpus a thread may run on, as the system has them.
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace lamellar::base {

// Numbers as the system counts; ascending where it is a set.
using Cpus = std::vector<std::uint32_t>;

// Those of the thread `tid` (0: the calling one); empty when there is none. What a cgroup's cpuset
// takes away is not among them.
Cpus affinity_of(pid_t tid);

// Whether the thread now keeps to `cpus`, as far as they may be used; false when it may use none of
// them, or is not there. Threads that it starts from now on inherit it.
bool set_affinity(pid_t tid, const Cpus& cpus);

}  // namespace lamellar::base

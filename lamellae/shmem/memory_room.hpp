#pragma once
// How much memory this process may still take. Asked before shared memory grows, because in a
// cgroup nothing fails when it is too much: the process is killed.
#include <cstdint>
#include <string>

namespace lamellar::lamellae {

struct MemoryRoom {
  std::uint64_t bytes = ~std::uint64_t{0};
  std::string limit = "no limit";  // what is tightest: "cgroup memory limit", "RLIMIT_AS", ...
};

// The tightest of: cgroup (v1 or v2) headroom, MemAvailable, address space (RLIMIT_AS).
// Reads /proc and /sys: some 50 us. THREADS: any.
MemoryRoom memory_room();

// Throws LaunchError: `what` needs `bytes`, with the tightest limit and what to do.
[[noreturn]] void refuse_memory(const std::string& what, std::uint64_t bytes);

}  // namespace lamellar::lamellae

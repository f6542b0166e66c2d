#pragma once
// What the counting program and the auditor that the dynamic linker loads beside it share: one
// page of a file that LAMELLAR_TEST_COUNTS names.

#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace calls {

struct Counts {
  std::atomic<pid_t> sender{0};                   // the thread that is counted on its own
  std::atomic<std::uint64_t> calls{0};            // into liblamellar.so, from the program
  std::atomic<std::uint64_t> calls_of_sender{0};
};

inline constexpr const char* kVariable = "LAMELLAR_TEST_COUNTS";

// Maps it, or null. THREADS: any.
Counts* map_counts() noexcept;

}  // namespace calls

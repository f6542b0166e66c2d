#pragma once
// All time goes through here, so that a simulation can run on virtual time.
#include <cstdint>

namespace lamellar::base {

inline constexpr std::uint64_t kForever = ~std::uint64_t{0};

// Monotonic time. UNITS: nanoseconds since an arbitrary start; virtual inside a simulation.
// THREADS: any. BLOCKS: never.
std::uint64_t now_ns() noexcept;

}  // namespace lamellar::base

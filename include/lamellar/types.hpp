#pragma once

#include <cstdint>

namespace lamellar {

// The number of a processing element in its world: 0 .. num_pes-1.
using Pe = std::uint32_t;

}  // namespace lamellar

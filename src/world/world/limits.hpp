#pragma once
// The memory of a PE's messages, from the settings.
#include <cstdint>

#include <lamellar/types.hpp>

#include "base/config/settings.hpp"
#include "engine/am/backlog.hpp"

namespace lamellar::world {

// What may wait for credit, once there are pools of so many bytes.
// ERRORS: ConfigError when the parts are more than LAMELLAR_BUFFER_LIMIT.
engine::SpillLimits spill_limits(const base::Settings& settings, std::uint64_t pool_bytes,
                                 Pe num_pes);
// The frames of one pool, as far as the settings tell.
std::uint64_t pool_bytes_of(const base::Settings& settings);

}  // namespace lamellar::world

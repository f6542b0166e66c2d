#pragma once
// A fault that a test plants, to see that the search over schedules finds it.
#include <atomic>

namespace lamellar::engine {

// Permits: who begins to wait does not see what is released in the same moment.
inline std::atomic<bool> g_planted_lost_permit{false};

}  // namespace lamellar::engine

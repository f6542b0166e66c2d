#pragma once
// Faults that a test plants, to see that the search over schedules finds them. Looked at only where
// it costs nothing.
#include <atomic>

namespace lamellar::engine {

// Deque: thieves that saw a longer deque are not foiled.
inline std::atomic<bool> g_planted_double_pop{false};
// Scheduler: who goes to sleep does not look at the jobs once more.
inline std::atomic<bool> g_planted_lost_wake_up{false};

}  // namespace lamellar::engine

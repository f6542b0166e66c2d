#pragma once
// A fault that a test plants, to see that the search over schedules finds it.
#include <atomic>

namespace lamellar::engine {

// Engine::quiet: what was launched is added up before what has finished.
inline std::atomic<bool> g_planted_early_quiescence{false};

}  // namespace lamellar::engine

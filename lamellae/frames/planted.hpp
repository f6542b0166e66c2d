#pragma once
// A fault that a test plants, to see that the search over schedules finds it.
#include <atomic>

namespace lamellar::lamellae {

// FrameLamella: now and then a frame that was read is not given back to its sender.
inline std::atomic<bool> g_planted_credit_leak{false};

}  // namespace lamellar::lamellae

#pragma once
// Sleeping on a word and waking who sleeps there. The only place that calls the futex system call.
#include <atomic>
#include <cstdint>

#include "base/clock/clock.hpp"
#include "base/clock/sim_hook.hpp"

namespace lamellar::base {

enum class FutexScope : std::uint8_t { kProcess, kShared };

// Sleeps while `word` equals `expected`, until woken, until `deadline_ns` or spuriously.
// Returns false when the deadline passed. BLOCKS: may. THREADS: any.
bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::uint64_t deadline_ns = kForever,
                FutexScope scope = FutexScope::kProcess) noexcept;

// Wakes at most `count` sleepers of `word`; returns how many woke. BLOCKS: never. THREADS: any.
int futex_wake(std::atomic<std::uint32_t>& word, int count,
               FutexScope scope = FutexScope::kProcess) noexcept;

// Gives the processor to another thread.
void yield_thread() noexcept;

}  // namespace lamellar::base

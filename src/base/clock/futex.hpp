#pragma once
// Sleeping on a word and waking who sleeps there. The only place that calls the futex system call.
#include <atomic>
#include <cstdint>

#include "base/clock/clock.hpp"

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

// A pause inside a spin loop; inside a simulation another thread may run.
void spin_pause() noexcept;

// Gives the processor to another thread.
void yield_thread() noexcept;

// A place where a simulation may switch threads (queue operations); free outside of one.
void sim_point() noexcept;

}  // namespace lamellar::base

#pragma once
// What a process that dies can still say: one word of shared memory that its peers read.
#include <atomic>
#include <cstdint>

namespace lamellar::base {

// Where to write how this process ended; null: nowhere. PROCESS-GLOBAL: one word.
// LIFETIME: `word` stays until it is replaced.
void set_tombstone(std::atomic<std::uint32_t>* word) noexcept;
// Writes `how` unless something is there already; false when there is no tombstone.
// Async-signal-safe.
bool write_tombstone(std::uint32_t how) noexcept;

// For SEGV, BUS, FPE, ILL, ABRT and TERM, where the disposition is the default one: write the
// signal's number to the tombstone, then die of the signal as before. PROCESS-GLOBAL: handlers.
void install_crash_handlers() noexcept;

}  // namespace lamellar::base

#pragma once
// Broken invariants. LAMELLAR_CHECK stays in release builds; it is for what can never happen, not
// for errors of users or of the network (those are a Status or an exception).

#include <lamellar/export.hpp>

namespace lamellar::base {

// The PE the calling thread works for, as shown in log lines and failed checks; -1 = none.
// THREADS: thread-local; a thread sets its own. Async-signal-safe to read on the same thread.
void set_current_pe_for_log(int pe) noexcept;
int current_pe_for_log() noexcept;

// Prints "[lamellar PE 1] broken invariant in base/core, status.cpp:12: cond: message" to fd 2
// with one write(2) and aborts. file: as __FILE__ gives it; the room is taken from the path.
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line) noexcept;

}  // namespace lamellar::base

#define LAMELLAR_CHECK(cond, msg)                                                   \
  do {                                                                              \
    if (!(cond)) [[unlikely]]                                                       \
      ::lamellar::base::check_failed(#cond, msg, __FILE__, __LINE__);               \
  } while (false)

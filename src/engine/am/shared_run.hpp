#pragma once
// Runs of messages that take long are shared: a thread that executes one looks at the clock now and
// then, and gives half of what is left to a thread that has nothing to do. Messages that are short
// stay in place, in one loop over the received bytes.
// After lazy binary splitting: Tzannes, Caragea, Barua, Vishkin, PPoPP 2010.
#include <lamellar/detail/am_type.hpp>

namespace lamellar::engine {

// Executes the run `args`, or a first part of it; what others got of it counts as deferred.
// THREADS: any. BLOCKS: as its messages do. ERRORS: std::bad_alloc.
void execute_shared(Engine& engine, const detail::AmType& type, detail::RunArgs& args);

}  // namespace lamellar::engine

#pragma once
// Exact quiescence: until every active message of the job, and every task that descends from one,
// has run. Decision 0013 has the proof.
#include <source_location>

#include <lamellar/task.hpp>

#include "engine/coll/barrier.hpp"

namespace lamellar::engine {

// Collective by order of calls on `channel`. REQUIRES: not called by an active message or a task
// descended from one, which would wait for itself.
Future<void> begin_quiesce(Engine& engine, Barrier::Channel channel, std::source_location where);

}  // namespace lamellar::engine

#pragma once
// Where on its host a PE's threads run, agreed on with the other PEs of the host.
#include <cstdint>

#include "base/clock/affinity.hpp"
#include "base/config/settings.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"

namespace lamellar::world {

struct Place {
  std::uint32_t threads = 1;
  bool roomy = false;  // there is a cpu for every thread of the PEs of the host
  base::Cpus cpus;     // of each thread, the one that waits first; empty: they are not bound
};

// Collective over the bootstrap. launched: this process has a launcher.
// ERRORS: LaunchError where LAMELLAR_BIND=core cannot be done, for whichever PE; JobFailed where
// another PE says so.
Place find_place(lamellae::Bootstrap& bootstrap, const base::Settings& settings, bool launched);

}  // namespace lamellar::world

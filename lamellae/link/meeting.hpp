#pragma once
// How the control connections of a job come about.
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::lamellae {

struct Meeting {
  std::vector<Descriptor> links;  // by group; empty for this PE's own
  std::vector<std::string> who;   // by PE: "PE 3 (host b, pid 4711)"
  std::uint64_t strangers = 0;    // connections that were none of this job's
};

// Collective. The first PEs of the groups connect to each other, then hand the connections to their
// siblings. Bytes that follow the handshake are not touched.
// BLOCKS: at most timeout_ns. ERRORS: LaunchError.
Meeting meet(Bootstrap& bootstrap, const std::vector<std::vector<Pe>>& groups,
             std::size_t my_group, const std::string& bind, std::uint64_t timeout_ns);

}  // namespace lamellar::lamellae

#pragma once
// Hands the descriptors of all PEs of a host to all of them, over an abstract socket with a random
// name. Only processes of the same user that know the job's secret take part.
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::lamellae {

struct HostMate {
  Pe pe = 0;
  int pid = 0;         // as the kernel says (SO_PEERCRED of the one who connected), not as claimed
  Descriptor segment;  // empty for this process' own
};

struct HostExchange {
  std::vector<HostMate> mates;   // in PE order, this one included
  std::uint64_t job_nonce = 0;   // drawn by the first of them
};

// Collective over the bootstrap; `group`: those of them that exchange with this one, in order, on
// this host. BLOCKS: until all of the group have connected, at most `timeout_ns`.
// ERRORS: LaunchError naming who is missing or was refused.
HostExchange exchange_on_host(Bootstrap& bootstrap, const std::vector<Pe>& group, int my_segment,
                              std::uint64_t timeout_ns);

}  // namespace lamellar::lamellae

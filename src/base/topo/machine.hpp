#pragma once
// The cpus of a host, by core, package and NUMA node. hwloc knows where it was found when the
// library was built; without it every cpu counts as a core.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock/affinity.hpp"

namespace lamellar::base {

struct Core {
  std::uint32_t node = 0;     // NUMA node, as the system counts
  std::uint32_t package = 0;  // likewise
  Cpus cpus;                  // its hardware threads
  bool operator==(const Core&) const = default;
};

// Cores of one node stand together, near nodes side by side.
using Machine = std::vector<Core>;

// A core for each of `cpus`, one node.
Machine plain_machine(const Cpus& cpus);

// All cpus of the host that are on, also those this process may not use; empty when nothing is
// known of them. BLOCKS: some milliseconds (hwloc looks through the host's files). THREADS: any.
Machine read_machine();
// Who tells: "hwloc 2.9.0" (that of the build); empty without it.
std::string machine_reader();

// What is left of it with these cpus only. A cpu the machine does not know is a core by itself, at
// the end.
Machine within(const Machine& machine, const Cpus& cpus);

// For the other PEs of the host. ERRORS: of text that is no machine an empty machine comes back.
std::string machine_text(const Machine& machine);
Machine parse_machine(std::string_view text);

}  // namespace lamellar::base

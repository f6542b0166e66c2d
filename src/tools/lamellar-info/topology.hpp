#pragma once
// The cpus of this host, and where LAMELLAR_BIND would put the threads of PEs.
#include <optional>
#include <string>
#include <vector>

#include "base/config/settings.hpp"
#include "base/topo/placement.hpp"

namespace lamellar::tools {

struct TopologyFact {
  base::Cpus allowed;  // for this process
  base::Machine machine;  // as far as this process may use it
  std::string reader;  // empty: nobody tells, each cpu counts as a core
  std::string bind;    // LAMELLAR_BIND
  std::string why_not_bound;
  base::Placement placement;
};

// pes: of this host, all with the cpus of this process; nothing: as many as the launcher or the
// settings say.
TopologyFact topology_here(const base::Settings& settings, std::optional<std::uint64_t> pes);

std::string topology_for_people(const TopologyFact& topology);
std::string topology_as_json(const TopologyFact& topology);

}  // namespace lamellar::tools

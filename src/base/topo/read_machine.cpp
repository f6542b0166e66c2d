// The only file that sees hwloc.
#include "base/topo/machine.hpp"

#ifdef LAMELLAR_HAS_HWLOC

#include <hwloc.h>

namespace lamellar::base {
namespace {

class Topology {
 public:
  Topology() {
    if (hwloc_topology_init(&topology_) != 0) return;
    made_ = true;
    // Cores, packages, and what cannot be left out (nodes, cpus); disallowed ones too: another PE
    // of the host may be allowed what this one is not.
    hwloc_topology_set_all_types_filter(topology_, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology_, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology_, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_flags(topology_, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    loaded_ = hwloc_topology_load(topology_) == 0;
  }
  ~Topology() {
    if (made_) hwloc_topology_destroy(topology_);
  }
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  bool loaded() const noexcept { return loaded_; }
  hwloc_topology_t get() const noexcept { return topology_; }

 private:
  hwloc_topology_t topology_ = nullptr;
  bool made_ = false;
  bool loaded_ = false;
};

Core core_of(hwloc_topology_t topology, hwloc_obj_t object) {
  Core core;
  unsigned cpu = 0;
  hwloc_bitmap_foreach_begin(cpu, object->cpuset) core.cpus.push_back(cpu);
  hwloc_bitmap_foreach_end();
  if (const int node = hwloc_bitmap_first(object->nodeset); node >= 0)
    core.node = static_cast<std::uint32_t>(node);
  if (const auto* package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object))
    core.package = package->os_index;
  return core;
}

}  // namespace

Machine read_machine() {
  const Topology topology;
  if (!topology.loaded()) return {};
  // Where the system does not tell the cores, its cpus have to do.
  const int cores = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_CORE);
  const hwloc_obj_type_t type = cores > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
  Machine machine;
  // In hwloc's logical order: what is near comes near.
  for (hwloc_obj_t object = nullptr;
       (object = hwloc_get_next_obj_by_type(topology.get(), type, object)) != nullptr;)
    if (!hwloc_bitmap_iszero(object->cpuset)) machine.push_back(core_of(topology.get(), object));
  return machine;
}

std::string machine_reader() { return "hwloc " HWLOC_VERSION; }

}  // namespace lamellar::base

#else

namespace lamellar::base {

Machine read_machine() { return {}; }

std::string machine_reader() { return {}; }

}  // namespace lamellar::base

#endif

#pragma once
// Which cpus belong to which PE of a host, and to which of its threads. Pure: every PE of the host
// works it out by itself, from the same facts.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/topo/machine.hpp"

namespace lamellar::base {

// What a PE brings along.
struct PeAsk {
  Cpus allowed;               // ascending, not empty
  std::uint32_t threads = 0;  // 0: as many as its share has room for
};

// What it gets.
struct PeShare {
  std::uint32_t threads = 1;
  Cpus cpus;  // its own, at least one a thread, in the order in which its threads take them; empty
              // when the PEs of the host were not placed
};

struct Placement {
  std::vector<PeShare> pes;
  std::string why_not;  // empty: every PE of the host has cpus of its own
};

// Whether a PE is to be bound if it can be. bind: LAMELLAR_BIND.
bool wants_binding(std::string_view bind, bool launched, std::size_t pes_of_host);

// Why the PEs of a host cannot have a cpu for each of their threads, with the numbers; empty when
// they can. It does not depend on the machine.
std::string why_not_placed(std::span<const PeAsk> pes);

// PEs that are allowed the same cpus divide them: whole cores side by side, NUMA nodes kept
// together where every PE still has room for its threads, hardware threads of one core only where
// cores do not suffice. PEs whose launcher gave each its own keep those. A PE's threads take the
// first hardware threads of its cores before the second ones.
Placement place(const Machine& machine, std::span<const PeAsk> pes);

}  // namespace lamellar::base

#pragma once
// Runs a measuring program and reads what it prints.

#include <map>
#include <string>
#include <vector>

#include "harness/plan.hpp"

namespace bench {

// Where programs are and how PEs are started.
struct Place {
  std::string folder;        // of the measuring programs
  std::string lamellar_run;  // path
  std::string lamella = "shmem";
  std::string hosts;         // for what goes over libfabric; empty: this one
  std::string rsh;
};

// A peer that is not installed cannot be started, and nobody asks it to.
bool can_start(const Place& place, const Start& start);

// What a program printed: KEY, and PEs.KEY, ours.KEY or PEER.KEY, to its value.
using Results = std::map<std::string, double>;

// BLOCKS: until the program has ended; it is killed when it takes far longer than `seconds`.
// ERRORS: std::runtime_error with the command and what it said.
Results run(const Place& place, const Start& start, double seconds);

}  // namespace bench

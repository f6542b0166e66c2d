#pragma once
// Repeats a group until it was measured often enough while the cores were near each other.

#include <string>
#include <vector>

#include "harness/child.hpp"

namespace bench {

struct Options {
  unsigned repeats = 5;     // near ones wanted
  double seconds = 600;     // for a group
  double slice = 0.5;       // of one program
  bool smoke = false;       // programs that usually take longer take no longer
  bool interim = false;     // the bars of the first version on shared memory
};

// The line round trip around one repeat.
struct Probe {
  std::string group;
  double before_ns = 0;
  double after_ns = 0;
  std::string regime;  // near, far; not used: moved (by more than 30 %), busy (with other work)
  double others = 0;   // cores that other work on the machine used meanwhile
};

// What became of a row.
struct Outcome {
  Row row;
  Figures figures;
  Bar bar;
  std::string verdict;  // empty without a bar, but "far" also then
  std::string regime;   // of the repeats that were used: near, any, far, or unfit (moved or busy)
  bool measured = false;
};

struct GroupOutcome {
  std::vector<Outcome> rows;
  std::vector<Probe> probes;
  std::vector<std::string> errors;  // at most one: a program that fails ends its group
};

// BLOCKS: up to options.seconds, at least for one repeat.
GroupOutcome measure(const Place& place, const Group& group, const Options& options);

}  // namespace bench

#pragma once
// What is measured: groups of rows. The programs of a group run one after the other in every
// repeat, so that ours, the limit and the peers see the same machine.

#include <string>
#include <vector>

#include "harness/bars.hpp"

namespace bench {

enum class Program { kMessages, kTasks, kLimits, kFabric, kOpenMpi, kMpich, kShmem, kTbb };

// Another library's: measured when it is installed.
constexpr bool is_peer(Program program) { return program >= Program::kOpenMpi; }
constexpr const char* name_of_peer(Program program) {
  switch (program) {
    case Program::kOpenMpi: return "Open MPI";
    case Program::kMpich: return "MPICH";
    case Program::kShmem: return "OpenSHMEM (Open MPI's)";
    case Program::kTbb: return "oneTBB";
    default: return "";
  }
}

// A start of a program: `program name seconds numbers...`.
struct Start {
  Program program;
  std::string name;
  unsigned pes = 2;
  std::vector<std::string> numbers;
  double least_seconds = 0;  // even when asked to be shorter
  std::string lamella = {};  // of ours; empty: the one that was asked for
  double usual_seconds = 0;  // what it takes, unless everything is asked to be short
};

// A key that a program of the group prints, times a factor. An empty key: there is none.
struct Value {
  std::string key;
  double times = 1;
};

// The key of a peer carries the name of its program, "openmpi.mpi_us"; where ours prints the same
// keys, so does ours: "ours.wake_us".
struct Row {
  std::string name;  // the first column of the table of bars
  std::string unit;  // tells rows of one name apart
  Better better = Better::kHigher;
  Value ours;
  Value limit;
  std::vector<Value> peers;  // the best one counts
  Bar bar;                   // of BARS
  Bar interim;               // of the first version on shared memory
  Value interim_limit;       // when it is another one
};

struct Group {
  std::string section;  // messages, tasks, fabric, limits, peers
  std::string id;
  std::vector<Start> starts;
  std::vector<Row> rows;
  bool any_regime = false;  // does not depend on how near the cores are
  bool quiet = false;       // but, with any_regime, on other work
};

// What the raw frame loop must copy of ours.
struct FrameShape {
  std::string bytes;
  std::string count;  // in flight to one destination
};

std::vector<Group> plan_messages(const FrameShape& frames);
std::vector<Group> plan_costs();  // rest, start, memory
std::vector<Group> plan_tasks();
std::vector<Group> plan_fabric();
std::vector<Group> plan_limits(const FrameShape& frames);
std::vector<Group> plan_peers();

}  // namespace bench

#pragma once
// Which launcher started this process, told from the environment alone.
#include <functional>
#include <string>

#include <lamellar/error.hpp>
#include <lamellar/types.hpp>

namespace lamellar::lamellae {

// The value of a variable, or null.
using Environment = std::function<const char*(const char* name)>;

enum class LaunchedBy : std::uint8_t {
  kNobody,        // a process of its own
  kPmix,          // Open MPI's mpirun, srun --mpi=pmix
  kWire,          // MPICH's mpiexec, srun --mpi=pmi2, lamellar-run: PMI_FD
  kSlurmLibrary,  // srun --mpi=none
  kNoPmi,         // a launcher, but no way to talk to it
};

struct Detection {
  LaunchedBy by = LaunchedBy::kNobody;
  std::string launcher = "solo";  // "srun --mpi=pmi2"
  std::string sign;               // the variable that tells, empty for kNobody
  std::string why;                // kNoPmi: what is missing
  std::string remedy;             // what to type instead when its PMI cannot be reached
  int fd = -1;                    // kWire
  Pe rank = 0;                    // kWire
  Pe size = 0;                    // kWire
  bool says_abort = true;         // kWire: see join_by_wire
  Pe told_size = 0;               // what other variables say, 0 when they do not

  // "this process was started by srun [SLURM_STEP_NUM_TASKS is set], but WHY: REMEDY".
  LaunchError refusal(const std::string& why_not) const;
};

// A variable that is empty counts as not set. Descriptors are looked at too: PMI_FD counts only
// when it is a socket.
Detection detect_launcher(const Environment& variables);

}  // namespace lamellar::lamellae

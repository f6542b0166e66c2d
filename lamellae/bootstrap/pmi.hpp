#pragma once
// What every launcher's process management interface can do: keep small texts under keys, and let
// all PEs wait for each other. One class for each dialect.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <lamellar/types.hpp>

namespace lamellar::lamellae {

// THREADS: one at a time. ERRORS: LaunchError when the launcher cannot be reached any more, does
// not answer until the deadline, or refuses; JobFailed when another PE has abandoned the job.
class Pmi {
 public:
  virtual ~Pmi() = default;
  virtual Pe rank() const noexcept = 0;
  virtual Pe size() const noexcept = 0;
  // Most characters a value may have.
  virtual std::size_t value_limit() const noexcept = 0;

  // REQUIRES: key of at most 63 characters, value within the limit, neither with blanks; a key is
  // used once.
  virtual void put(const std::string& key, const std::string& value,
                   std::uint64_t deadline_ns) = 0;
  // What was put before is seen by every PE afterwards. BLOCKS: until every PE has called it;
  // false when the deadline passed first.
  virtual bool fence(std::uint64_t deadline_ns) = 0;
  // Nothing when nobody put it. May be called after a fence that was late, too.
  virtual std::optional<std::string> get(Pe owner, const std::string& key,
                                         std::uint64_t deadline_ns) = 0;

  // This PE cannot go on: ends the job, or at least every fence of the others.
  virtual void abandon(const std::string& why) noexcept = 0;
  // This PE is done: its process may end. No call is made afterwards.
  virtual void finalize() noexcept = 0;

  // Whether a world is open: while none is, the process may end well. Only lamellar-run asks.
  virtual void set_busy(bool) noexcept {}
  // This PE ends because `culprit` failed. Only lamellar-run asks.
  virtual void blame(Pe) noexcept {}
  // How this PE ends ("called exit(0)"), which its status does not tell. Only lamellar-run asks.
  virtual void say_end(const std::string&) noexcept {}
};

// The PMI-1 wire protocol over the socket PMI_FD: MPICH's mpiexec, srun --mpi=pmi2, lamellar-run.
// The socket is not closed at the end: it stays the launcher's means to see the process end.
// says_abort: abandon() says cmd=abort. mpiexec does not need it, it ends a job of which a process
// ended without cmd=finalize; and on cmd=abort it may lose what the process has just printed.
std::unique_ptr<Pmi> join_by_wire(int fd, Pe rank, Pe size, bool says_abort,
                                  std::uint64_t deadline_ns);

// libpmi.so.0 by dlopen: srun --mpi=none.
std::unique_ptr<Pmi> join_by_slurm_library(std::uint64_t deadline_ns);

// libpmix.so.2 by dlopen: Open MPI's mpirun, srun --mpi=pmix.
std::unique_ptr<Pmi> join_by_pmix(std::uint64_t deadline_ns);

}  // namespace lamellar::lamellae

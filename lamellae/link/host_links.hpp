#pragma once
// Control connections between groups of PEs: one TCP connection for each pair of groups. A group is
// the PEs that share memory: those of a host, or one alone. No data goes here, only who died.
//
// Every PE of a group holds the group's ends of the connections, so the kernel closes one when the
// whole group is gone, and not before: its end without a farewell means just that. When a PE dies
// and has siblings, they notice (lamellae/shmem) and call announce().
//
// Who prints the one line about a failure:
//   the dead PE has siblings           the sibling that noticed first; `said` travels with the note
//   a whole group vanished             the first PE of the lowest group that is left; the others
//                                      wait for its note, or for its end, which makes the next one
//                                      the lowest
//   lamellar-run is the launcher       lamellar-run: then no caller prints, whatever `said` says
// Children that a PE has made by fork() hold its connections too: while they live, the death of a
// PE without siblings is seen only by its launcher and by who sends to it.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

#include "base/clock/clock.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"

namespace lamellar::lamellae {

struct LinkOptions {
  // Where this host listens and what the others connect to: an address as text, or the name of an
  // interface. Empty: the first interface that is up and not the loopback, else the loopback.
  std::string bind;
  std::uint64_t timeout_ns = base::kForever;  // for all connections together
  // The job has failed elsewhere: on the helper's thread, at most once, on the first PE of each
  // group; it tells its siblings. said: somebody has printed `why`, or will.
  std::function<void(Pe culprit, const std::string& why, bool said)> on_failure;
};

class HostLinks {
 public:
  // Collective over the bootstrap. groups: the same on every PE, each in order.
  // BLOCKS: until all are connected, at most timeout_ns. ERRORS: LaunchError with who is missing,
  // the addresses that were tried and what to do.
  static std::shared_ptr<HostLinks> connect(Bootstrap& bootstrap,
                                            const std::vector<std::vector<Pe>>& groups,
                                            LinkOptions options);
  virtual ~HostLinks() = default;

  // Tells all other groups that the job has failed. Not for failures on_failure told of.
  // False: it had failed already, nothing was sent. THREADS: any. BLOCKS: never.
  virtual bool announce(Pe culprit, const std::string& why, bool said) noexcept = 0;
  // From now on this PE may go: no end of a connection is a failure, here or there (there once
  // every PE of this group has left). THREADS: any. BLOCKS: never.
  virtual void leave() noexcept = 0;

  // Who connected and was none of this job's.
  virtual std::uint64_t strangers() const noexcept = 0;
};

}  // namespace lamellar::lamellae

#pragma once
// Who are we, how many, and a way to exchange a few bytes before any lamella works.
#include <string>
#include <vector>

#include <lamellar/types.hpp>

namespace lamellar::lamellae {

class Bootstrap {
 public:
  virtual ~Bootstrap() = default;
  virtual Pe rank() const noexcept = 0;
  virtual Pe size() const noexcept = 0;
  // Collective: everyone's bytes, in rank order. BLOCKS: until every PE has called it.
  // ERRORS: JobFailed when abandon() was called by one of the others.
  virtual std::vector<std::string> allgather(const std::string& mine) = 0;
  // This PE will not take part any more: the others' collectives must end.
  virtual void abandon(const std::string& why) noexcept = 0;
  // Collective. BLOCKS: until every PE has called it. ERRORS: as allgather.
  virtual void barrier() { static_cast<void>(allgather({})); }
  // The PEs on this host, in order, this one included: those that memory can be shared with.
  virtual std::vector<Pe> host_mates() const = 0;
  // All PEs, a group for each host: in order inside a group, groups in order of their first PEs.
  virtual const std::vector<std::vector<Pe>>& hosts() const = 0;
  // The name of what started the PEs, for messages: "solo", "local", "lamellar-run", ...
  virtual const char* launcher() const noexcept = 0;
};

}  // namespace lamellar::lamellae

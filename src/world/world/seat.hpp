#pragma once
// How this process takes part in a job: alone with N PEs on threads, or as one PE of many
// processes.
#include <functional>
#include <memory>

#include <lamellar/bootstrap.hpp>

#include "base/config/settings.hpp"
#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/bootstrap/session.hpp"
#include "lamellae/faulty/plan.hpp"
#include "lamellae/link/host_links.hpp"
#include "lamellae/local/local_job.hpp"
#include "lamellae/shmem/shmem_job.hpp"

namespace lamellar::world {

// What one PE needs to start.
struct Seat {
  std::unique_ptr<lamellae::Bootstrap> bootstrap;
  std::unique_ptr<lamellae::Lamella> lamella;
  std::shared_ptr<lamellae::ShmemJob> shmem;   // null on the local lamella
  std::shared_ptr<lamellae::HostLinks> links;  // null where all PEs share memory

  // From now on this PE may go: nobody calls that a failure.
  void leave() const noexcept;
};

class Seating {
 public:
  // Joins the launcher when there is one. Collective then. callbacks may be null.
  // ERRORS: LaunchError, ConfigError, Unsupported, each saying what to do.
  Seating(const base::Settings& settings, const UserBootstrap* callbacks);

  Pe num_pes() const noexcept { return num_pes_; }
  // PEs that are threads of this process.
  Pe pes_in_process() const noexcept { return local_ ? num_pes_ : 1; }
  // Collective over the job. In a process of its own: seat(0) is this process' PE.
  Seat seat(Pe local_pe);
  // A launcher has started this process, or a program with callbacks of its own.
  bool launched() const;
  // The launcher prints why a PE failed or could not start.
  bool launcher_reports() const;
  // A PE of this process could not start: the others must not wait for it.
  void abandon(Pe local_pe, const std::string& why) noexcept;
  // This process ends because `culprit`, a PE of another one, could not start.
  void blame(Pe culprit) noexcept;

 private:
  Seat take_seat(Pe local_pe);
  void seat_in_process();
  void seat_as_process(const std::string& backend);
  bool on_one_host() const noexcept { return pes_here_ == num_pes_; }
  // All PEs, by who shares memory with whom.
  std::vector<std::vector<Pe>> groups() const;

  const base::Settings& settings_;
  lamellae::FaultPlan faults_;
  std::shared_ptr<lamellae::LaunchSession> session_;
  std::shared_ptr<lamellae::LocalJob> local_;  // null: one process a PE
  bool network_ = false;  // some PEs are reached through libfabric
  Pe num_pes_ = 1;
  Pe pes_here_ = 1;  // PEs of the job on this host
};

}  // namespace lamellar::world

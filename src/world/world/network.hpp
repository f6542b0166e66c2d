#pragma once
// What a PE needs to reach PEs that it shares no memory with.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/config/settings.hpp"
#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/link/host_links.hpp"
#include "lamellae/shmem/shmem_job.hpp"

namespace lamellar::world {

// LAMELLAR_FRAME_BYTES as far as the provider can carry them.
std::uint32_t network_frame_bytes(const base::Settings& settings);

struct Network {
  std::shared_ptr<lamellae::HostLinks> links;  // null when all PEs are in one group
  std::unique_ptr<lamellae::Lamella> lamella;  // of the whole job
};

// Collective over the bootstrap. groups: of all PEs, those that share memory; `shmem` is that of
// this PE's. host_of: for messages. launcher_reports: it prints which PE died.
// ERRORS: LaunchError; JobFailed where another PE has said why.
Network join_network(lamellae::Bootstrap& bootstrap, const base::Settings& settings,
                     const std::vector<std::vector<Pe>>& groups,
                     const std::shared_ptr<lamellae::ShmemJob>& shmem,
                     const std::function<std::string(Pe)>& host_of, bool launcher_reports);

// The start has failed on all PEs; PE `speaker` says why. Nobody ends before it has: with the first
// one its launcher may end them all. lamellar-run says it by itself.
[[noreturn]] void fail_together(lamellae::Bootstrap& bootstrap, Pe speaker,
                                const std::string& why);

}  // namespace lamellar::world

#pragma once
// The PEs of one host, one process each: every PE's block lies in a memfd that all of them map, and
// the frame machinery runs on it. Notices a PE that dies.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/frames/frame_lamella.hpp"
#include "lamellae/shmem/peer_watch.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::lamellae {

struct ShmemOptions {
  std::uint32_t frame_bytes = 0;
  std::uint32_t pool_frames = 0;
  std::uint64_t start_timeout_ns = 60'000'000'000;  // for the others to come
  std::uint64_t grace_ns = 0;      // from the death of a PE until this process is ended
  int launcher_pidfd = -1;         // readable when the launcher has ended: so do we
  bool launcher_reports = false;   // lamellar-run says who died; otherwise a survivor does
  // Called before this process ends or is ended in a job that failed, with the PE that failed:
  // this one when it has said why itself.
  std::function<void(Pe culprit)> blame;
};

// The block of each of `pes` PEs. Only the first frames of each lane are ready.
BlockShape shmem_shape(Pe pes, std::uint32_t frame_bytes, std::uint32_t pool_frames);
// What such a block takes before it grows, in bytes.
std::size_t start_bytes(const BlockShape& shape);

class ShmemJob : public std::enable_shared_from_this<ShmemJob> {
 public:
  // Collective over the bootstrap: all its PEs are on this host. BLOCKS. ERRORS: LaunchError.
  static std::shared_ptr<ShmemJob> join(Bootstrap& bootstrap, const ShmemOptions& options);
  ShmemJob() = default;
  ~ShmemJob();
  ShmemJob(const ShmemJob&) = delete;
  ShmemJob& operator=(const ShmemJob&) = delete;

  // This process' PE, once. LIFETIME: keeps the job alive.
  std::unique_ptr<Lamella> lamella();
  // From now on this PE may go: nobody calls that a failure.
  void leave() noexcept;

 private:
  // How a PE says it ended: BlockHead::ended.
  std::uint32_t word_of(Pe pe) const noexcept;
  void peer_ended(const PeerWatch::Peer& peer, std::optional<int> wait_status);
  void end_soon(Pe culprit);

  Pe my_pe_ = 0;
  BlockShape shape_;
  ShmemOptions options_;
  std::vector<Segment> segments_;
  std::vector<std::byte*> blocks_;
  std::unique_ptr<FrameLamella> announcer_;  // for the helper thread: the same blocks
  std::shared_ptr<base::Helper> helper_;
  std::unique_ptr<PeerWatch> watch_;
  int deadline_ = -1;  // the helper's timer that ends this process
};

}  // namespace lamellar::lamellae

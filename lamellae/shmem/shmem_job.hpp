#pragma once
// PEs that share memory, one process each: all of a host, or one alone. Every PE's block lies in a
// memfd that all of them map, and the frame machinery runs on it. Notices a PE that dies.
#include <atomic>
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
  std::vector<Pe> group;  // the PEs that share memory, this one among them, in order
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
  // Collective over the bootstrap. BLOCKS. ERRORS: LaunchError.
  static std::shared_ptr<ShmemJob> join(Bootstrap& bootstrap, const ShmemOptions& options);
  ShmemJob() = default;
  ~ShmemJob();
  ShmemJob(const ShmemJob&) = delete;
  ShmemJob& operator=(const ShmemJob&) = delete;

  // This process' PE, once; it counts PEs by their places in the group.
  // LIFETIME: keeps the job alive.
  std::unique_ptr<Lamella> lamella();
  // From now on this PE may go: nobody calls that a failure.
  void leave() noexcept;

  // The job has failed somewhere else. said: somebody has printed `why`, or will. PEs in the
  // runtime hear of it; this process ends after grace_ns. THREADS: any.
  void fail(Pe culprit, const std::string& why, bool said) noexcept;
  // Called when this PE is the first of the group to notice that one of them has died, or that a
  // frame is broken; at once if that has happened already. THREADS: any.
  using Tell = std::function<void(Pe culprit, const std::string& why)>;
  void tell_others_by(Tell tell);

 private:
  // How a PE says it ended: BlockHead::ended.
  std::uint32_t word_of(Pe pe) const noexcept;
  void peer_ended(const PeerWatch::Peer& peer, std::optional<int> wait_status);
  void noticed(Pe culprit, const std::string& why);
  void end_soon(Pe culprit);
  Pe place_of(Pe pe) const noexcept;

  Pe me_ = 0;  // place in the group
  BlockShape shape_;
  ShmemOptions options_;
  std::vector<Segment> segments_;
  std::vector<std::byte*> blocks_;
  std::unique_ptr<FrameLamella> announcer_;  // for the helper thread: the same blocks
  std::shared_ptr<base::Helper> helper_;
  std::unique_ptr<PeerWatch> watch_;
  std::atomic<bool> ending_{false};
  std::atomic<base::Helper::Timer> deadline_{0};  // the helper's timer that ends this process
  base::Mutex mutex_;              // guards what follows
  Tell tell_;
  bool noticed_ = false;           // and announced in the group
};

}  // namespace lamellar::lamellae

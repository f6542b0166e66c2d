#pragma once
// N PEs in one process: their blocks lie in this process' memory, and a meeting point stands in
// for a launcher. PEs exchange bytes through the frame machinery, never objects.
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/mutex.hpp"
#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/frames/block.hpp"

namespace lamellar::lamellae {

class LocalJob : public std::enable_shared_from_this<LocalJob> {
 public:
  // Maps the blocks of all PEs (pages are taken when touched).
  // ERRORS: std::bad_alloc with no address space left.
  LocalJob(Pe num_pes, std::uint32_t frame_bytes, std::uint32_t pool_frames);
  ~LocalJob();
  LocalJob(const LocalJob&) = delete;
  LocalJob& operator=(const LocalJob&) = delete;

  Pe num_pes() const noexcept { return shape_.num_pes; }
  // Once per PE. LIFETIME: the results keep the job alive.
  std::unique_ptr<Lamella> lamella(Pe pe);
  std::unique_ptr<Bootstrap> bootstrap(Pe pe);

 private:
  friend class LocalBootstrap;
  std::vector<std::string> allgather(Pe pe, const std::string& mine);
  void abandon(Pe pe, const std::string& why) noexcept;
  void wake_all() noexcept;

  BlockShape shape_;
  std::vector<std::byte*> blocks_;

  base::Mutex mutex_;  // guards the meeting point below
  std::uint64_t round_ = 0;
  std::atomic<std::uint32_t> news_{0};  // sleepers wait for it to change
  std::vector<std::string> given_;
  std::vector<std::string> result_;
  Pe arrived_ = 0;
  bool abandoned_ = false;
  Pe abandoned_by_ = 0;
  std::string why_;
};

}  // namespace lamellar::lamellae

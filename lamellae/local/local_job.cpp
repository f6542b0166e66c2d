#include "lamellae/local/local_job.hpp"

#include <sys/mman.h>

#include <lamellar/error.hpp>
#include <new>
#include <numeric>

#include "base/clock/futex.hpp"
#include "base/clock/rng.hpp"
#include "base/wait/wait.hpp"
#include "lamellae/frames/frame_lamella.hpp"

namespace lamellar::lamellae {

class LocalBootstrap final : public Bootstrap {
 public:
  LocalBootstrap(std::shared_ptr<LocalJob> job, Pe pe)
      : job_(std::move(job)), pe_(pe), hosts_(1, std::vector<Pe>(job_->num_pes())) {
    std::iota(hosts_[0].begin(), hosts_[0].end(), Pe{0});
  }
  Pe rank() const noexcept override { return pe_; }
  Pe size() const noexcept override { return job_->num_pes(); }
  std::vector<std::string> allgather(const std::string& mine) override {
    return job_->allgather(pe_, mine);
  }
  void abandon(const std::string& why) noexcept override { job_->abandon(pe_, why); }
  std::vector<Pe> host_mates() const override { return hosts_[0]; }
  const std::vector<std::vector<Pe>>& hosts() const override { return hosts_; }
  const char* launcher() const noexcept override { return "local"; }

 private:
  std::shared_ptr<LocalJob> job_;
  Pe pe_;
  std::vector<std::vector<Pe>> hosts_;
};

LocalJob::LocalJob(Pe num_pes, std::uint32_t frame_bytes, std::uint32_t pool_frames)
    : shape_(BlockShape::of(num_pes, frame_bytes, pool_frames, base::random_u64())),
      given_(num_pes) {
  for (Pe pe = 0; pe < num_pes; ++pe) {
    void* block = mmap(nullptr, Block::bytes(shape_), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) {
      for (std::byte* mapped : blocks_) munmap(mapped, Block::bytes(shape_));
      throw std::bad_alloc();
    }
    blocks_.push_back(static_cast<std::byte*>(block));
    Block::construct(blocks_.back(), shape_);
  }
}

LocalJob::~LocalJob() {
  for (std::byte* block : blocks_) munmap(block, Block::bytes(shape_));
}

std::unique_ptr<Lamella> LocalJob::lamella(Pe pe) {
  return std::make_unique<FrameLamella>(pe, shape_, blocks_, base::FutexScope::kProcess,
                                        shared_from_this());
}

std::unique_ptr<Bootstrap> LocalJob::bootstrap(Pe pe) {
  return std::make_unique<LocalBootstrap>(shared_from_this(), pe);
}

std::vector<std::string> LocalJob::allgather(Pe pe, const std::string& mine) {
  std::uint64_t round = 0;
  {
    base::Lock lock(mutex_);
    if (abandoned_) throw JobFailed(abandoned_by_, why_);
    round = round_;
    given_[pe] = mine;
    if (++arrived_ == num_pes()) {
      result_ = given_;
      arrived_ = 0;
      ++round_;
      wake_all();
      return result_;
    }
  }
  const base::WaitScope wait({"the other PEs to start", pe, base::kNoPeer, round,
                              std::source_location::current()});
  for (;;) {
    const std::uint32_t seen = news_.load();
    {
      base::Lock lock(mutex_);
      // The next round's result needs this PE too, so this one's is still there.
      if (round_ != round) return result_;
      if (abandoned_) throw JobFailed(abandoned_by_, why_);
    }
    base::futex_wait(news_, seen);
  }
}

void LocalJob::abandon(Pe pe, const std::string& why) noexcept {
  base::Lock lock(mutex_);
  if (!abandoned_) {
    abandoned_ = true;
    abandoned_by_ = pe;
    why_ = why;
  }
  wake_all();
}

void LocalJob::wake_all() noexcept {
  news_.fetch_add(1);
  base::futex_wake(news_, INT32_MAX);
}

}  // namespace lamellar::lamellae

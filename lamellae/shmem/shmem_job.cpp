#include "lamellae/shmem/shmem_job.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <lamellar/error.hpp>

#include "base/crash/crash.hpp"
#include "base/log/log.hpp"
#include "base/process/signals.hpp"
#include "lamellae/shmem/fd_exchange.hpp"
#include "lamellae/shmem/memory_room.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint32_t kReadyFrames = 16;  // of each lane, before the pool has to grow

std::string host_name() {
  char name[256] = "?";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string killed_by(int signal) {
  return "was killed by signal " + std::to_string(signal) + " (" + base::signal_name(signal) + ")";
}

// By its own word, else by the kernel's.
std::string how_it_ended(std::uint32_t said, std::optional<int> wait_status) {
  if (said >= kExited)
    return "called exit(" + std::to_string(said - kExited) + ") while the job runs";
  if (said != 0 && said < kLeft) return killed_by(static_cast<int>(said));
  if (!wait_status) return "ended without leaving the job (killed?)";
  if (WIFSIGNALED(*wait_status)) return killed_by(WTERMSIG(*wait_status));
  return "ended with status " + std::to_string(WEXITSTATUS(*wait_status)) +
         " without leaving the job";
}

}  // namespace

BlockShape shmem_shape(Pe pes, std::uint32_t frame_bytes, std::uint32_t pool_frames) {
  BlockShape shape = BlockShape::of(pes, frame_bytes, pool_frames, 0);
  for (std::uint32_t& ready : shape.ready) ready = std::min(ready, kReadyFrames);
  return shape;
}

std::size_t start_bytes(const BlockShape& shape) {
  const std::size_t later = shape.all_frames() - shape.ready[0] - shape.ready[1];
  return Block::bytes(shape) - later * shape.frame_bytes;
}

std::shared_ptr<ShmemJob> ShmemJob::join(Bootstrap& bootstrap, const ShmemOptions& options) {
  auto job = std::make_shared<ShmemJob>();
  job->options_ = options;
  job->me_ = job->place_of(bootstrap.rank());
  BlockShape& shape = job->shape_;
  shape = shmem_shape(static_cast<Pe>(options.group.size()), options.frame_bytes,
                      options.pool_frames);

  Segment mine = Segment::create(Block::bytes(shape));
  const Block block(mine.base(), shape);
  const std::size_t control = block.frame_offset(0);
  const std::uint32_t replies = shape.frames[0];
  const bool there =
      mine.commit(0, control) &&
      mine.commit(control, std::size_t{shape.ready[0]} * shape.frame_bytes) &&
      mine.commit(block.frame_offset(replies), std::size_t{shape.ready[1]} * shape.frame_bytes);
  if (!there) refuse_memory("the first frames", start_bytes(shape));
  Block::construct(mine.base(), shape);

  HostExchange exchange =
      exchange_on_host(bootstrap, options.group, mine.fd(), options.start_timeout_ns);
  shape.job_nonce = exchange.job_nonce;
  std::vector<PeerWatch::Peer> peers;
  for (HostMate& mate : exchange.mates) {
    if (mate.pe == bootstrap.rank()) {
      job->segments_.push_back(std::move(mine));
    } else {
      job->segments_.push_back(Segment::map(std::move(mate.segment), Block::bytes(shape)));
      job->segments_.back().close_descriptor();
      peers.push_back({mate.pe, mate.pid});
    }
    job->blocks_.push_back(job->segments_.back().base());
  }
  job->helper_ = base::Helper::shared();
  job->announcer_ = std::make_unique<FrameLamella>(job->me_, shape, job->blocks_,
                                                   base::FutexScope::kShared);
  base::set_tombstone(&Block(job->blocks_[job->me_], shape).head().ended);
  ShmemJob* const self = job.get();
  if (options.launcher_pidfd >= 0)
    job->helper_->watch(options.launcher_pidfd, [] { _exit(1); });
  PeerWatch::Listener listener;
  listener.has_said = [self](const PeerWatch::Peer& peer) { return self->word_of(peer.pe) != 0; };
  listener.ended = [self](const PeerWatch::Peer& peer, std::optional<int> wait_status) {
    self->peer_ended(peer, wait_status);
  };
  job->watch_ = std::make_unique<PeerWatch>(std::move(peers), std::move(listener));
  return job;
}

ShmemJob::~ShmemJob() {
  leave();
  watch_.reset();
  if (helper_ != nullptr && options_.launcher_pidfd >= 0)
    helper_->unwatch(options_.launcher_pidfd);
  if (helper_ != nullptr) helper_->cancel(deadline_.load());
}

std::unique_ptr<Lamella> ShmemJob::lamella() {
  auto lamella = std::make_unique<FrameLamella>(me_, shape_, blocks_,
                                                base::FutexScope::kShared, shared_from_this());
  const Segment& mine = segments_[me_];
  lamella->grow_with([&mine](std::size_t offset, std::size_t bytes) {
    return mine.commit(offset, bytes);
  });
  lamella->belong_to(options_.group, [this](Pe culprit, const std::string& why) {
    noticed(culprit, why);
  });
  return lamella;
}

void ShmemJob::leave() noexcept {
  if (announcer_ == nullptr) return;  // it never got so far
  base::set_tombstone(nullptr);
  std::uint32_t running = 0;
  if (!Block(blocks_[me_], shape_).head().ended.compare_exchange_strong(running, kLeft)) return;
  if (options_.blame && announcer_->failure() != nullptr) options_.blame(announcer_->failure()->pe);
}

std::uint32_t ShmemJob::word_of(Pe pe) const noexcept {
  return Block(blocks_[place_of(pe)], shape_).head().ended.load();
}

// On the helper thread.
void ShmemJob::peer_ended(const PeerWatch::Peer& peer, std::optional<int> wait_status) {
  const std::uint32_t said = word_of(peer.pe);
  const bool in_order = said == kLeft;
  if (in_order && announcer_->failure() == nullptr) return;
  if (!in_order) {
    const std::string why = "PE " + std::to_string(peer.pe) + " (host " + host_name() + ", pid " +
                            std::to_string(peer.pid) + ") " + how_it_ended(said, wait_status);
    const bool first = announcer_->announce_failure(peer.pe, why, [&] {
      if (!options_.launcher_reports) LAMELLAR_LOG_ERROR("{}; the job ends", why);
    });
    if (first) noticed(peer.pe, why);
  }
  end_soon(peer.pe);
}

void ShmemJob::noticed(Pe culprit, const std::string& why) {
  const base::Lock lock(mutex_);
  noticed_ = true;
  if (tell_) tell_(culprit, why);
}

void ShmemJob::tell_others_by(Tell tell) {
  const base::Lock lock(mutex_);
  tell_ = std::move(tell);
  if (!noticed_) return;
  const FailureNote& note = *announcer_->failure();
  tell_(note.pe, std::string(note.text, note.length));
}

void ShmemJob::fail(Pe culprit, const std::string& why, bool said) noexcept {
  announcer_->announce_failure(culprit, why, [&] {
    if (!said) LAMELLAR_LOG_ERROR("{}; the job ends", why);
  });
  end_soon(culprit);
}

Pe ShmemJob::place_of(Pe pe) const noexcept {
  const auto place = std::find(options_.group.begin(), options_.group.end(), pe);
  return static_cast<Pe>(place - options_.group.begin());
}

// Whoever waits in the runtime hears of the failure; a PE that computes on is ended.
void ShmemJob::end_soon(Pe culprit) {
  if (ending_.exchange(true)) return;
  deadline_.store(helper_->call_after(options_.grace_ns, [this, culprit] {
    const FailureNote* const failure = announcer_->failure();
    if (options_.blame) options_.blame(failure != nullptr ? failure->pe : culprit);
    _exit(1);
  }));
}

}  // namespace lamellar::lamellae

#include "lamellae/shmem/peer_watch.hpp"

#include "base/process/ended.hpp"
#include "base/process/tree.hpp"

namespace lamellar::lamellae {
namespace {

// The kernel knows once the parent, a launcher, has waited for the process: mostly at once.
constexpr std::uint64_t kAgainNs = 1'000'000;
constexpr int kMostAsked = 20;

}  // namespace

PeerWatch::PeerWatch(std::vector<Peer> peers, Listener listener)
    : listener_(std::move(listener)), helper_(base::Helper::shared()) {
  watched_.reserve(peers.size());  // the helper keeps references
  for (const Peer& peer : peers) {
    Descriptor pidfd(base::open_pidfd(peer.pid));
    if (pidfd.get() < 0) {
      listener_.ended(peer, std::nullopt);
      continue;
    }
    watched_.push_back({peer, std::move(pidfd)});
    helper_->watch(watched_.back().pidfd.get(),
                   [this, &watched = watched_.back()] { ask(watched); });
  }
}

PeerWatch::~PeerWatch() {
  for (const Watched& watched : watched_) helper_->unwatch(watched.pidfd.get());
  {
    const base::Lock lock(mutex_);
    stopping_ = true;  // from here on no timer is started
  }
  for (const Watched& watched : watched_) helper_->cancel(watched.timer);
}

void PeerWatch::ask(Watched& watched) {
  const base::Lock lock(mutex_);
  if (stopping_) return;
  base::Ended end;
  if (!listener_.has_said(watched.peer)) end = base::ask_how_it_ended(watched.pidfd.get());
  if (end.later && ++watched.asked < kMostAsked)
    watched.timer = helper_->call_after(kAgainNs, [this, &watched] { ask(watched); });
  else
    listener_.ended(watched.peer, end.wait_status);
}

}  // namespace lamellar::lamellae

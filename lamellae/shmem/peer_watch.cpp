#include "lamellae/shmem/peer_watch.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/log/log.hpp"

namespace lamellar::lamellae {

PeerWatch::PeerWatch(std::vector<Peer> peers, std::function<void(const Peer&)> ended)
    : helper_(base::Helper::shared()) {
  for (const Peer& peer : peers) {
    Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
    if (pidfd.get() < 0) {
      // Gone before it could be watched.
      ended(peer);
      continue;
    }
    helper_->watch(pidfd.get(), [peer, ended] { ended(peer); });
    pidfds_.push_back(std::move(pidfd));
  }
}

PeerWatch::~PeerWatch() {
  for (const Descriptor& pidfd : pidfds_) helper_->unwatch(pidfd.get());
}

}  // namespace lamellar::lamellae

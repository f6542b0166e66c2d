#pragma once
// Notices the death of the other PEs of a host, by pidfd, on the helper thread.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <lamellar/types.hpp>

#include "base/helper/helper.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::lamellae {

class PeerWatch {
 public:
  struct Peer {
    Pe pe = 0;
    int pid = 0;
  };
  // Calls `ended(peer)` on the helper thread when a peer's process ends, once each.
  PeerWatch(std::vector<Peer> peers, std::function<void(const Peer&)> ended);
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

 private:
  std::shared_ptr<base::Helper> helper_;
  std::vector<Descriptor> pidfds_;
};

}  // namespace lamellar::lamellae

#pragma once
// Notices the death of the other PEs of a host, by pidfd, on the helper thread.
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <lamellar/types.hpp>

#include "base/clock/mutex.hpp"
#include "base/helper/helper.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::lamellae {

class PeerWatch {
 public:
  struct Peer {
    Pe pe = 0;
    int pid = 0;
  };
  // THREADS: both are called on the helper's, or by the constructor for who is gone already.
  struct Listener {
    // Whether the peer itself has said how it ended: then the kernel is not asked.
    std::function<bool(const Peer&)> has_said;
    // Its process has ended; once for each. wait_status where the kernel knows it.
    std::function<void(const Peer&, std::optional<int> wait_status)> ended;
  };
  PeerWatch(std::vector<Peer> peers, Listener listener);
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

 private:
  struct Watched {
    Peer peer;
    Descriptor pidfd;
    base::Helper::Timer timer = 0;
    int asked = 0;
  };
  void ask(Watched& watched);

  Listener listener_;
  std::shared_ptr<base::Helper> helper_;
  base::Mutex mutex_;  // guards what follows while the helper may call; taken inside its callbacks
  bool stopping_ = false;
  std::vector<Watched> watched_;
};

}  // namespace lamellar::lamellae

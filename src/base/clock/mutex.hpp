#pragma once
// The runtime's lock: a pthread mutex (so that sanitizers and interposers see it) that knows the
// simulation. Use with std::lock_guard / std::unique_lock. Never held while user code runs.
#include <mutex>

namespace lamellar::base {

class Mutex {
 public:
  void lock();
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

using Lock = std::lock_guard<Mutex>;

}  // namespace lamellar::base

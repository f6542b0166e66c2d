#pragma once
// Every thread the runtime starts.
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace lamellar::base {

class Thread {
 public:
  Thread() = default;
  // Starts `body` under `name` (at most 15 characters are shown by tools), with all signals
  // blocked but those a thread causes itself: the program's own threads get the others. Takes
  // part in the simulation of its parent.
  Thread(const std::string& name, std::function<void()> body);
  Thread(Thread&&) = delete;
  ~Thread();  // joins

  // BLOCKS: until the thread ended. Does nothing when it never started or was joined.
  void join();

 private:
  std::atomic<std::uint32_t> done_{0};
  std::thread thread_;
};

// Processors this thread may run on.
unsigned usable_cpus();

}  // namespace lamellar::base

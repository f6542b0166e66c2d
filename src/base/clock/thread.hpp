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
  std::atomic<std::uint32_t> gone_{0};  // inside a simulation: has left it
  std::thread thread_;
};

// Processors this thread may run on; inside a simulation 1, so that it is the same run everywhere.
unsigned usable_cpus();

}  // namespace lamellar::base

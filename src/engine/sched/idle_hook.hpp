#pragma once
#include <cstdint>

namespace lamellar::engine {

// The door upward: a worker has nothing to do, or a task was of interest. Implemented by whoever
// owns the network.
class IdleHook {
 public:
  // Looks for arrived bytes and runs what they ask for; whether there was anything.
  // THREADS: any. BLOCKS: never.
  virtual bool poll() noexcept = 0;
  // This thread is about to run dry: whatever it holds back must leave now.
  virtual void going_idle() noexcept = 0;
  // Whether poll() would find something; the last look before sleeping (seq_cst).
  virtual bool pending() noexcept = 0;
  // A task that descends from an active message was started; it has run.
  virtual void descendant_began() noexcept = 0;
  virtual void descendant_ended() noexcept = 0;
  // When poll() may find something although nothing new has come; base::kForever when never. Asked
  // just before sleeping.
  virtual std::uint64_t look_again_ns() noexcept { return ~std::uint64_t{0}; }

 protected:
  ~IdleHook() = default;
};

}  // namespace lamellar::engine

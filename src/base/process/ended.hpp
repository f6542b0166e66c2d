#pragma once
// How a process that is not our child ended, where the kernel tells (Linux 6.15).
#include <optional>

namespace lamellar::base {

struct Ended {
  // As wait() gives it to the parent; empty when it is not known.
  std::optional<int> wait_status;
  // It will be known as soon as the parent has waited for the process.
  bool later = false;
};

// pidfd: of a process that has ended, opened while it lived. BLOCKS: never.
Ended ask_how_it_ended(int pidfd) noexcept;

}  // namespace lamellar::base

#pragma once
// A message that suspends for as long as a test wants.
#include <atomic>

#include <lamellar/sync.hpp>

#include "helpers.hpp"

namespace multi {

struct Door {
  lamellar::Latch shut{1};
  std::atomic<int> passed{0};
};
// Does not end before its PE's door is opened, and then not at once.
struct Pass {
  PeLocal<Door> door;
  Task<void> exec(Context& context) const {
    Door& mine = door.local(context);
    co_await mine.shut.wait();
    for (int i = 0; i < 50; ++i) co_await lamellar::yield();
    ++mine.passed;
  }
};
LAMELLAR_AM(Pass, door);
struct Open {
  PeLocal<Door> door;
  void exec(Context& context) const { door.local(context).shut.count_down(); }
};
LAMELLAR_AM(Open, door);

}  // namespace multi

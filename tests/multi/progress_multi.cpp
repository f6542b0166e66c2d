// A PE answers while its threads compute in user code (LAMELLAR_PROGRESS=helper): what computes
// here ends because its PE has run a message, so that without progress it would never end. That
// nobody answers with poll is seen where both sides share memory: tests/process, tests/sim.
#include <atomic>
#include <string>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

constexpr std::uint64_t kAnswers = 5;

// Only who enters the library answers.
bool polls() {
  return setting("LAMELLAR_PROGRESS") == "poll" || setting("LAMELLAR_EXECUTOR") == "single";
}

struct Echo {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value; }
};
LAMELLAR_AM(Echo, value);

struct Release {
  PeLocal<Counter> released;
  void exec(Context& context) const { ++released.local(context).value; }
};
LAMELLAR_AM(Release, released);

// Takes a thread of the PE for as long as it has not been released.
struct Hold {
  PeLocal<Counter> held;
  PeLocal<Counter> released;
  void exec(Context& context) const {
    ++held.local(context).value;
    while (released.local(context).value.load() == 0) {
    }
  }
};
LAMELLAR_AM(Hold, held, released);

// Ask PE 0, and let it go when the answers are there.
void ask_and_release(const World& world, PeLocal<Counter> released) {
  for (std::uint64_t i = 0; i < kAnswers; ++i)
    EXPECT_EQ(i, world.exec_am_pe<Echo>(0, i).block());
  world.exec_am_pe<Release>(0, released).block();
}

LAMELLAR_MULTI_TEST(Progress, WhileTheMainThreadComputes, 2) {
  const PeLocal<Counter> released(world);
  const std::uint64_t others = world.num_pes() - 1;
  for (std::uint64_t round = 1; round <= 2; ++round) {
    if (world.my_pe() != 0) {
      ask_and_release(world, released);
    } else {
      const std::atomic<std::uint64_t>& mine = released.local(world).value;
      while (!polls() && mine.load() < round * others) {
      }
      while (mine.load() < round * others) world.exec_am_pe<Echo>(1, round).block();
    }
    world.barrier();
  }
}

LAMELLAR_MULTI_TEST(Progress, WhileEachThreadRunsALongTask, 2) {
  const PeLocal<Counter> released(world);
  const std::uint64_t others = world.num_pes() - 1;
  if (world.my_pe() != 0) {
    ask_and_release(world, released);
  } else if (!polls()) {
    Counter begun;
    const std::uint64_t threads = world.num_threads_per_pe();
    const std::atomic<std::uint64_t>& mine = released.local(world).value;
    const auto task = [&begun, &mine, threads, others] {
      ++begun.value;
      while (begun.value.load() < threads || mine.load() < others) {
      }
    };
    std::vector<Future<void>> tasks;
    for (std::uint64_t i = 0; i < threads; ++i) tasks.push_back(world.spawn(task));
    for (Future<void>& future : tasks) future.block();
  }
  world.barrier();
}

// Also with its only thread inside a message, from another PE than those it waits for.
LAMELLAR_MULTI_TEST(Progress, WhileAMessageComputes, 3) {
  const PeLocal<Counter> held(world), released(world);
  if (world.my_pe() == 1 && !polls()) {
    world.exec_am_pe<Hold>(0, held, released).block();
  } else if (world.my_pe() == 2) {
    ask_and_release(world, released);
  }
  world.barrier();
  EXPECT_EQ(held.local(world).value.load(), world.my_pe() == 0 && !polls() ? 1u : 0u);
}

}  // namespace
}  // namespace multi

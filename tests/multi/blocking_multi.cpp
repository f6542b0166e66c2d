// Blocking inside tasks and active messages: another thread stands in.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

struct Echo {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value; }
};
LAMELLAR_AM(Echo, value);

// Refused where it arrives from another PE; a task may block.
struct BlocksAtOnce {
  std::string exec(Context& context) const {
    const World world = context.world();
    try {
      const std::uint64_t got = world.exec_am_pe<Echo>(next_pe(context), std::uint64_t{1}).block();
      return "got " + std::to_string(got);
    } catch (const lamellar::WouldDeadlock& error) {
      return error.what();
    }
  }
};
LAMELLAR_AM(BlocksAtOnce);

struct BlocksOnNext {
  std::uint64_t value;
  Task<std::uint64_t> exec(Context& context) const {
    const World world = context.world();
    const std::uint64_t sent = value;
    auto answer = world.spawn(
        [world, sent] { return world.exec_am_pe<Echo>(next_pe(world), sent).block() + 1; });
    const std::uint64_t got = co_await answer;
    co_return got;
  }
};
LAMELLAR_AM(BlocksOnNext, value);

// Each hop blocks a thread until those behind it have answered.
struct Chain {
  std::uint64_t left;
  Task<std::uint64_t> exec(Context& context) const {
    if (left == 0) co_return 0;
    const World world = context.world();
    const std::uint64_t rest = left - 1;
    auto answer = world.spawn(
        [world, rest] { return world.exec_am_pe<Chain>(next_pe(world), rest).block() + 1; });
    const std::uint64_t length = co_await answer;
    co_return length;
  }
};
LAMELLAR_AM(Chain, left);

LAMELLAR_MULTI_TEST(Blocking, InsideAMessageThatJustArrivedIsRefused, 2) {
  const std::string text = world.exec_am_pe<BlocksAtOnce>(next_pe(world)).block();
  EXPECT_NE(text.find("exec_am_pe was asked for inside an active message's exec"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("blocking_multi.cpp"), std::string::npos) << text;
  EXPECT_NE(text.find("co_await"), std::string::npos) << text;
  EXPECT_EQ(world.exec_am_local(BlocksAtOnce{}).block(), "got 1");  // runs as a task
  world.barrier();
}

LAMELLAR_MULTI_TEST(Blocking, ManyAtOnce, 1) {
  std::vector<Future<std::uint64_t>> answers;
  for (std::uint64_t i = 0; i < 20; ++i)
    answers.push_back(world.exec_am_pe<BlocksOnNext>(next_pe(world), i).spawn());
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(answers[i].block(), i + 1);
  world.barrier();
}

LAMELLAR_MULTI_TEST(Blocking, Chains, 1) {
  for (const std::uint64_t length : {1u, 5u, 12u})
    EXPECT_EQ(world.exec_am_pe<Chain>(next_pe(world), length).block(), length);
  world.barrier();
}

LAMELLAR_MULTI_TEST(Blocking, InsideSpawnedTasks, 1) {
  const auto sum = [world = world] {
    std::uint64_t all = 0;
    for (std::uint64_t i = 0; i < 50; ++i)
      all += world.exec_am_pe<Echo>(next_pe(world), i).block();
    for (const std::uint64_t value : world.exec_am_all<Echo>(std::uint64_t{1}).block())
      all += value;
    return all;
  };
  std::vector<Future<std::uint64_t>> sums;
  for (int i = 0; i < 10; ++i) sums.push_back(world.spawn(sum));
  for (auto& one : sums) EXPECT_EQ(one.block(), 49u * 25 + world.num_pes());
  world.barrier();
}

LAMELLAR_MULTI_TEST(Blocking, BlockOnInsideTasks, 1) {
  const auto twice = [world = world]() -> Task<std::uint64_t> {
    auto inner = [](World on) -> Task<std::uint64_t> {
      const std::uint64_t value = co_await on.exec_am_pe<Echo>(next_pe(on), 21u);
      co_return value * 2;
    };
    const std::uint64_t value = world.block_on(inner(world));
    co_return value;
  };
  EXPECT_EQ(world.block_on(twice()), 42u);
  world.barrier();
}

// Each waits for the next one, which needs a thread: the 65th gets none to stand in. The last one
// does not end before that was told.
using Told = std::shared_ptr<std::atomic<bool>>;

int wait_for_another(const World& world, int depth, const Told& told) {
  if (depth == 65) {
    while (!told->load()) std::this_thread::yield();
    return 0;
  }
  struct Tell {
    ~Tell() { told->store(true); }
    const Told& told;
  } const tell{told};
  auto next = world.spawn([=] { return wait_for_another(world, depth + 1, told); });
  return next.block();
}

LAMELLAR_MULTI_TEST(Blocking, TooManyAreTold, 1) {
  const Told told = std::make_shared<std::atomic<bool>>(false);
  auto last = world.spawn([=, copy = world] { return wait_for_another(copy, 0, told); });
  std::string text;
  try {
    last.block();
  } catch (const lamellar::DeadlockSuspected& error) {
    text = error.what();
  }
  EXPECT_NE(text.find("65 tasks and active messages of PE"), std::string::npos) << text;
  EXPECT_NE(text.find("waits for a future"), std::string::npos) << text;
  EXPECT_NE(text.find("co_await"), std::string::npos) << text;
  world.barrier();
}

}  // namespace
}  // namespace multi

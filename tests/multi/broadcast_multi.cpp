// Messages to all PEs from every PE at once, of all kinds.
#include <memory>
#include <string>
#include <vector>

#include "door.hpp"
#include "helpers.hpp"

namespace multi {
namespace {

// Who has run how many messages of whom.
struct Ran {
  explicit Ran(Pe pes) : of(std::make_unique<std::atomic<std::uint64_t>[]>(pes)) {}
  std::unique_ptr<std::atomic<std::uint64_t>[]> of;
};

struct Tick {
  PeLocal<Ran> ran;
  void exec(Context& context) const { ++ran.local(context).of[context.source_pe()]; }
};
LAMELLAR_AM(Tick, ran);

struct TickLater {
  PeLocal<Ran> ran;
  std::string text;
  Task<void> exec(Context& context) const {
    co_await lamellar::yield();
    co_await context.world().exec_am_pe<Tick>(next_pe(context), ran);
    EXPECT_EQ(text, text_of(text.size(), context.source_pe()));
    ++ran.local(context).of[context.source_pe()];
  }
};
LAMELLAR_AM(TickLater, ran, text);

struct TickLarge {
  PeLocal<Ran> ran;
  std::string text;
  void exec(Context& context) const {
    EXPECT_EQ(text, text_of(text.size(), context.source_pe()));
    ++ran.local(context).of[context.source_pe()];
  }
};
LAMELLAR_AM(TickLarge, ran, text);

// Sends to all from inside a handler.
struct TickTwice {
  PeLocal<Ran> ran;
  void exec(Context& context) const { context.world().exec_am_all<Tick>(ran).detach(); }
};
LAMELLAR_AM(TickTwice, ran);

struct CountOf {
  PeLocal<Ran> ran;
  std::uint64_t exec(Context& context) const {
    return ran.local(context).of[context.source_pe()];
  }
};
LAMELLAR_AM(CountOf, ran);

struct FailsOn {
  Pe first, step;
  Pe exec(Context& context) const {
    if (context.my_pe() >= first && (context.my_pe() - first) % step == 0)
      throw std::runtime_error("PE " + std::to_string(context.my_pe()));
    return context.my_pe();
  }
};
LAMELLAR_AM(FailsOn, first, step);

// What this PE sent has run everywhere, so often.
void expect_everywhere(const World& world, PeLocal<Ran> ran, std::uint64_t times) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    EXPECT_EQ(times, world.exec_am_pe<CountOf>(pe, ran).block()) << "on PE " << pe;
}

LAMELLAR_MULTI_TEST(Broadcast, WaitAllMeansRunEverywhere, 1) {
  const PeLocal<Ran> ran(world, world.num_pes());
  std::uint64_t sent = 0;
  for (int round = 0; round < (kSlow ? 3 : 10); ++round) {
    for (int i = 0; i < 20; ++i, ++sent) world.exec_am_all<Tick>(ran).detach();
    if (round % 2 == 0)
      world.wait_all();
    else
      world.async_wait_all().block();
    expect_everywhere(world, ran, sent);
  }
  world.barrier();
}

LAMELLAR_MULTI_TEST(Broadcast, CoroutinesCountWhenTheyEnd, 1) {
  const PeLocal<Ran> ran(world, world.num_pes());
  for (int i = 0; i < 10; ++i)
    world.exec_am_all<TickLater>(ran, text_of(10, world.my_pe())).detach();
  world.wait_all();
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    EXPECT_LE(10u, world.exec_am_pe<CountOf>(pe, ran).block());
  world.barrier();
}

LAMELLAR_MULTI_TEST(Broadcast, LargeBodies, 1) {
  const PeLocal<Ran> ran(world, world.num_pes());
  const std::string text = text_of(3 * frame_bytes() + 17, world.my_pe());
  world.exec_am_all<TickLarge>(ran, text).detach();
  world.wait_all();
  expect_everywhere(world, ran, 1);
  world.exec_am_all<TickLarge>(ran, text).block();
  expect_everywhere(world, ran, 2);
  const PeLocal<Ran> others(world, world.num_pes());
  world.exec_am_all<TickLater>(others, text).block();
  world.barrier();
}

LAMELLAR_MULTI_TEST(Broadcast, FromInsideOfHandlers, 1) {
  const PeLocal<Ran> ran(world, world.num_pes());
  for (int i = 0; i < 5; ++i) world.exec_am_all<TickTwice>(ran).block();
  world.barrier();  // what handlers have sent is sent
  world.wait_all();
  world.barrier();
  expect_everywhere(world, ran, 5 * world.num_pes());
  world.barrier();
}

struct Passed {
  PeLocal<Door> door;
  int exec(Context& context) const { return door.local(context).passed; }
};
LAMELLAR_AM(Passed, door);

// wait_all of the PE that sent it covers those that suspend, until they end.
LAMELLAR_MULTI_TEST(Broadcast, ThoseThatSuspendAreWaitedFor, 1) {
  for (Pe from = 0; from < world.num_pes(); ++from) {
    PeLocal<Door> door(world);
    world.barrier();
    if (world.my_pe() == from) {
      world.exec_am_all<Pass>(door).detach();
      world.exec_am_all<Open>(door).detach();
      world.wait_all();
      for (const int passed : world.exec_am_all<Passed>(door).block()) EXPECT_EQ(1, passed);
    }
    world.barrier();
  }
}

LAMELLAR_MULTI_TEST(Broadcast, TheFailureOfTheLowestPeIsThatOfAll, 1) {
  for (Pe first = 0; first < world.num_pes(); ++first) {
    const RemoteError error =
        remote_error_of([&] { world.exec_am_all<FailsOn>(first, 2u).block(); });
    EXPECT_EQ(first, error.pe());
    EXPECT_EQ("PE " + std::to_string(first), error.remote_what());
  }
  EXPECT_EQ(world.num_pes(), world.exec_am_all<FailsOn>(world.num_pes(), 1u).block().size());
}

LAMELLAR_MULTI_TEST(Broadcast, ManyAtOnceEachGetTheirOwnAnswers, 1) {
  std::vector<Future<std::vector<Pe>>> all;
  for (int i = 0; i < (kSlow ? 20 : 200); ++i)
    all.push_back(world.exec_am_all<FailsOn>(world.num_pes(), 1u).spawn());
  for (auto& answers : all) {
    const std::vector<Pe> got = answers.block();
    ASSERT_EQ(world.num_pes(), got.size());
    for (Pe pe = 0; pe < got.size(); ++pe) EXPECT_EQ(pe, got[pe]);
  }
}

}  // namespace
}  // namespace multi

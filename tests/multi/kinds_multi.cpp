// The kinds of active messages, of handles and of ways to build and start them.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

struct Where {
  Pe exec(Context& context) const { return context.my_pe(); }
};
LAMELLAR_AM(Where);

struct Sum {
  int a, b;
  int exec(Context&) const { return a + b; }
};
LAMELLAR_AM(Sum, a, b);

struct Text {
  std::string text;
  Pe from;
  std::string exec(Context& context) {  // not const: it works on its own copy
    text += " to " + std::to_string(context.my_pe());
    EXPECT_EQ(context.source_pe(), from);
    return std::move(text);
  }
};
LAMELLAR_AM(Text, text, from);

struct Bump {
  PeLocal<Counter> counter;
  std::uint64_t by;
  void exec(Context& context) const { counter.local(context).value += by; }
};
LAMELLAR_AM(Bump, counter, by);

struct BumpLater {
  PeLocal<Counter> counter;
  std::string by;
  Task<void> exec(Context& context) {
    const int more = co_await context.world().exec_am_pe<Sum>(next_pe(context), 1, 1);
    by += std::to_string(more);
    counter.local(context).value += std::stoull(by);
  }
};
LAMELLAR_AM(BumpLater, counter, by);

struct TextLater {
  std::string text;
  Task<std::string> exec(Context& context) const {
    const Pe next = next_pe(context);
    std::string answer = co_await context.world().exec_am_pe<Text>(next, text, context.my_pe());
    co_return "<" + answer + ">";
  }
};
LAMELLAR_AM(TextLater, text);

struct WithConstructor {
  WithConstructor() = default;
  explicit WithConstructor(std::string t) : text(std::move(t)) {}
  std::string text;
  std::size_t exec(Context&) const { return text.size(); }
};
LAMELLAR_AM(WithConstructor, text);

// Runs on the own PE, or it does not run at all.
struct NeverTravels {
  int value = 0;
  template <class Archive>
  void save(Archive&) const {
    throw std::logic_error("this type must not be encoded");
  }
  template <class Archive>
  void load(Archive&) {
    throw std::logic_error("this type must not be decoded");
  }
};
struct HoldsNeverTravels {
  NeverTravels inside;
  NeverTravels exec(Context&) const { return NeverTravels{inside.value + 1}; }
};
LAMELLAR_AM(HoldsNeverTravels, inside);
struct HoldsNeverTravelsLater {
  NeverTravels inside;
  Task<NeverTravels> exec(Context&) const { co_return NeverTravels{inside.value + 2}; }
};
LAMELLAR_AM(HoldsNeverTravelsLater, inside);

struct OnlyHere {  // no LAMELLAR_AM: for exec_am_local
  std::unique_ptr<int> owned;
  const int* borrowed;
  std::unique_ptr<int> exec(Context& context) {
    EXPECT_EQ(context.source_pe(), context.my_pe());
    *owned += *borrowed;
    return std::move(owned);
  }
};
struct OnlyHereLater {
  std::unique_ptr<int> owned;
  Task<int> exec(Context& context) {
    const Pe next = next_pe(context);
    const int sum = co_await context.world().exec_am_pe<Sum>(next, *owned, 1);
    co_return sum;
  }
};

LAMELLAR_MULTI_TEST(Kinds, EmptyMessageRunsOnEveryPe, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    EXPECT_EQ(world.exec_am_pe<Where>(pe).block(), pe);
    EXPECT_EQ(world.exec_am_pe(pe, Where{}).block(), pe);
  }
}

LAMELLAR_MULTI_TEST(Kinds, PlainResultsOfEverySize, 1) {
  const Pe me = world.my_pe();
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    EXPECT_EQ(world.exec_am_pe<Sum>(pe, 40, 2).block(), 42);
    EXPECT_EQ(world.exec_am_pe<Text>(pe, "from 1", me).block(),
              "from 1 to " + std::to_string(pe));
  }
}

LAMELLAR_MULTI_TEST(Kinds, CoroutinesSuspendAndAnswer, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    const Pe after = (pe + 1) % world.num_pes();
    const std::string text = text_of(100, pe);
    EXPECT_EQ(world.exec_am_pe<TextLater>(pe, text).block(),
              "<" + text + " to " + std::to_string(after) + ">");
  }
}

LAMELLAR_MULTI_TEST(Kinds, EveryFormOfBuildingAMessage, 1) {
  const Pe next = next_pe(world);
  const Pe me = world.my_pe();
  const std::string expected = "a to " + std::to_string(next);
  EXPECT_EQ(world.exec_am_pe<Text>(next, "a", me).block(), expected);
  EXPECT_EQ(world.exec_am_pe(next, Text{"a", me}).block(), expected);
  Text named{"a", me};
  EXPECT_EQ(world.exec_am_pe(next, named).block(), expected);
  EXPECT_EQ(world.exec_am_pe(next, std::as_const(named)).block(), expected);
  EXPECT_EQ(named.text, "a");
  EXPECT_EQ(world.exec_am_pe(next, std::move(named)).block(), expected);
  EXPECT_EQ(world.exec_am_pe<WithConstructor>(next, "four").block(), 4u);
  EXPECT_EQ(world.exec_am_pe(next, WithConstructor("four")).block(), 4u);
}

LAMELLAR_MULTI_TEST(Kinds, EveryWayToStart, 1) {
  PeLocal<Counter> counter(world);
  const Pe next = next_pe(world);
  auto handle = world.exec_am_pe<Bump>(next, counter, 1u);
  std::move(handle).block();
  auto future = world.exec_am_pe<Bump>(next, counter, 10u).spawn();
  EXPECT_TRUE(future.valid());
  future.block();
  EXPECT_FALSE(future.valid());
  world.spawn_am_pe<Bump>(next, counter, 100u).block();
  world.exec_am_pe<Bump>(next, counter, 1000u).detach();
  { auto dropped = world.exec_am_pe<BumpLater>(next, counter, "1000").spawn(); }
  world.exec_am_pe<BumpLater>(next, counter, "10000").detach();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, 1111u + 10002u + 100002u);
}

LAMELLAR_MULTI_TEST(Kinds, ManyRequestsAtOnceEachGetTheirOwnAnswer, 1) {
  std::vector<Future<int>> sums;
  for (int i = 0; i < 2000; ++i)
    sums.push_back(world.exec_am_pe<Sum>(static_cast<Pe>(i) % world.num_pes(), i, i).spawn());
  for (int i = 1999; i >= 0; --i) EXPECT_EQ(sums[i].block(), 2 * i);
}

LAMELLAR_MULTI_TEST(Kinds, AllPesAnswerInOrder, 1) {
  std::vector<Pe> everyone(world.num_pes());
  std::iota(everyone.begin(), everyone.end(), Pe{0});
  EXPECT_EQ(world.exec_am_all<Where>().block(), everyone);
  EXPECT_EQ(world.exec_am_all(Where{}).block(), everyone);
  const auto texts = world.exec_am_all<TextLater>("x").block();
  ASSERT_EQ(texts.size(), everyone.size());
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    EXPECT_EQ(texts[pe], "<x to " + std::to_string((pe + 1) % world.num_pes()) + ">");
  EXPECT_EQ(world.spawn_am_all(Sum{1, 2}).block(), std::vector<int>(world.num_pes(), 3));

  PeLocal<Counter> counter(world);
  world.exec_am_all<Bump>(counter, 1u).block();
  world.exec_am_all<Bump>(counter, 10u).detach();
  world.exec_am_all<BumpLater>(counter, "10").detach();
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, world.num_pes() * (1u + 10u + 102u));
}

LAMELLAR_MULTI_TEST(Kinds, MessagesToTheOwnPeAreNeverEncoded, 1) {
  const Pe me = world.my_pe();
  EXPECT_EQ(world.exec_am_pe<HoldsNeverTravels>(me, NeverTravels{1}).block().value, 2);
  EXPECT_EQ(world.exec_am_pe<HoldsNeverTravelsLater>(me, NeverTravels{1}).block().value, 3);
  world.exec_am_pe<HoldsNeverTravels>(me, NeverTravels{1}).detach();
  EXPECT_EQ(world.exec_am_local(HoldsNeverTravels{{5}}).block().value, 6);
  world.wait_all();
}

LAMELLAR_MULTI_TEST(Kinds, LocalMessagesMayHoldAnything, 1) {
  const int one = 1;
  EXPECT_EQ(*world.exec_am_local(OnlyHere{std::make_unique<int>(41), &one}).block(), 42);
  EXPECT_EQ(world.exec_am_local(OnlyHereLater{std::make_unique<int>(41)}).block(), 42);
  EXPECT_EQ(*world.spawn_am_local(OnlyHere{std::make_unique<int>(1), &one}).block(), 2);
  PeLocal<Counter> counter(world);
  for (int i = 0; i < 100; ++i) world.exec_am_local(Bump{counter, 1}).detach();
  world.wait_all();
  EXPECT_EQ(counter.local().value, 100u);
}

LAMELLAR_MULTI_TEST(Kinds, ContextKnowsTheWorld, 2) {
  EXPECT_EQ(world.exec_am_pe<Where>(next_pe(world)).block(), next_pe(world));
  EXPECT_GE(world.num_threads_per_pe(), 1u);
  EXPECT_FALSE(world.name().empty());
  const World copy = world;
  EXPECT_EQ(copy.my_pe(), world.my_pe());
  EXPECT_EQ(copy.exec_am_pe<Where>(next_pe(world)).block(), next_pe(world));
}

}  // namespace
}  // namespace multi

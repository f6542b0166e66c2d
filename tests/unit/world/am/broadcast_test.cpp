// Messages to all PEs go down a tree: encoded once, sent by everybody a few times, run once each.
#include "engine/am/broadcast.hpp"

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <string>
#include <vector>

#include "engine/am/engine.hpp"

namespace broadcast_test {

using lamellar::Context;
using lamellar::Pe;
using lamellar::Task;
using lamellar::World;
using lamellar::WorldBuilder;

constexpr Pe kMostPes = 17;
std::atomic<int> g_encoded{0};
std::array<std::atomic<int>, kMostPes> g_ran{};

struct Text {
  std::string text;
  template <class Archive>
  void save(Archive& archive) const {
    ++g_encoded;
    archive(text);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(text);
  }
};

struct Tell {
  Text what;
  std::string exec(Context& context) const {
    EXPECT_EQ(0u, context.source_pe());
    ++g_ran[context.my_pe()];
    return what.text + std::to_string(context.my_pe());
  }
};
LAMELLAR_AM(Tell, what);

struct TellLater {
  Text what;
  Task<void> exec(Context& context) const {
    co_await lamellar::yield();
    ++g_ran[context.my_pe()];
  }
};
LAMELLAR_AM(TellLater, what);

void reset() {
  g_encoded = 0;
  for (auto& count : g_ran) count = 0;
}

void expect_each_ran(Pe pes, int times) {
  for (Pe pe = 0; pe < pes; ++pe) EXPECT_EQ(times, g_ran[pe]) << "PE " << pe << " of " << pes;
}

// PE 0 does it, while the others do nothing but pass on and run.
template <class F>
void from_pe_0(Pe pes, F body) {
  reset();
  WorldBuilder builder;
  builder.force_num_pes(pes).force_threads(1).force("FLUSH_US", "0");
  EXPECT_EQ(0, builder.launch([&](World& world) {
    world.barrier();
    if (world.my_pe() == 0) body(world);
    world.barrier();
    return 0;
  }));
}

TEST(Broadcast, HalvesOfARingReachEveryPlaceOnce) {
  for (Pe pes = 1; pes <= 40; ++pes) {
    std::vector<int> reached(pes);
    std::vector<std::array<Pe, 2>> stretches = {{0, pes}};
    std::uint32_t from_the_first = 0;
    while (!stretches.empty()) {
      auto [place, until] = stretches.back();
      stretches.pop_back();
      ++reached[place];
      std::uint32_t sent = 0;
      const std::uint32_t expected = lamellar::engine::halvings(until - place);
      for (; until - place > 1; ++sent) {
        const Pe half = lamellar::engine::half_way(place, until);
        ASSERT_LT(place, half);
        ASSERT_LT(half, until);
        stretches.push_back({half, until});
        until = half;
      }
      EXPECT_EQ(expected, sent);
      if (place == 0) from_the_first = sent;
    }
    EXPECT_EQ(std::vector<int>(pes, 1), reached);
    EXPECT_EQ(static_cast<std::uint32_t>(std::bit_width(pes - 1)), from_the_first);
    for (Pe origin = 0; origin < pes; ++origin)
      for (Pe place = 0; place < pes; ++place)
        EXPECT_EQ(place, lamellar::engine::place_in_ring(
                             lamellar::engine::pe_at_place(place, origin, pes), origin, pes));
  }
}

TEST(Broadcast, AnswersOfEveryPeAndOneEncoding) {
  for (Pe pes = 1; pes <= kMostPes; ++pes) {
    from_pe_0(pes, [&](World& world) {
      const auto answers = world.exec_am_all<Tell>(Text{"at "}).block();
      ASSERT_EQ(pes, answers.size());
      for (Pe pe = 0; pe < pes; ++pe) EXPECT_EQ("at " + std::to_string(pe), answers[pe]);
      expect_each_ran(pes, 1);
      EXPECT_EQ(pes == 1 ? 0 : 1, g_encoded);
    });
  }
}

// A detached one that is larger than a frame, and of a coroutine: nothing is answered.
TEST(Broadcast, WaitAllIsOverWhenAllHaveRun) {
  const std::string large(100'000, 'x');
  for (Pe pes = 1; pes <= kMostPes; ++pes) {
    from_pe_0(pes, [&](World& world) {
      world.exec_am_all<TellLater>(Text{"small"}).detach();
      world.wait_all();
      expect_each_ran(pes, 1);
      EXPECT_EQ(pes == 1 ? 0 : 1, g_encoded);
      world.exec_am_all<Tell>(Text{large}).detach();
      world.wait_all();
      expect_each_ran(pes, 2);
      world.exec_am_all<TellLater>(Text{large}).detach();
      world.async_wait_all().block();
      expect_each_ran(pes, 3);
    });
  }
}

TEST(Broadcast, TheOriginSendsAsManyRecordsAsTheTreeIsDeep) {
  const std::string no_slot_holds_it(200, 'x');
  for (Pe pes = 1; pes <= kMostPes; ++pes) {
    from_pe_0(pes, [&](World& world) {
      const auto depth = static_cast<std::uint64_t>(std::bit_width(pes - 1));
      const auto opened = [&] { return world.engine().lamella().counters().frames_opened; };
      const std::uint64_t before = opened();
      world.exec_am_all<Tell>(Text{no_slot_holds_it}).block();
      EXPECT_EQ(depth, opened() - before) << pes;
      world.exec_am_all<Tell>(Text{no_slot_holds_it}).detach();
      world.wait_all();
      EXPECT_EQ(2 * depth, opened() - before) << pes;
    });
  }
}

TEST(Broadcast, WhatCannotBeSentIsAFailureAndNothingIsUnderWay) {
  const std::string too_large(200'000, 'x');
  reset();
  WorldBuilder builder;
  builder.force_num_pes(5).force("MAX_AM", "65536");
  EXPECT_EQ(0, builder.launch([&](World& world) {
    if (world.my_pe() != 0) return 0;
    EXPECT_THROW(world.exec_am_all<Tell>(Text{too_large}).block(), lamellar::AmTooLarge);
    EXPECT_THROW(world.exec_am_all<Tell>(Text{too_large}).detach(), lamellar::AmTooLarge);
    world.wait_all();
    return 0;
  }));
}

}  // namespace broadcast_test

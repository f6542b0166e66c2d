#include "harness/bars.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/plan.hpp"

namespace bench {
namespace {

std::string judge(const Bar& bar, Better better, std::vector<Sample> samples, bool near = true) {
  return verdict_of(bar, better, figures_of(samples, bar.plus), near);
}

TEST(Bars, AnAbsoluteBarIsReachedFromItsOwnSide) {
  const Bar bar{10, kNone, 0};
  EXPECT_EQ("holds", judge(bar, Better::kLower, {{10}}));
  EXPECT_EQ("below", judge(bar, Better::kLower, {{10.1}}));
  EXPECT_EQ("holds", judge(bar, Better::kHigher, {{10}}));
  EXPECT_EQ("below", judge(bar, Better::kHigher, {{9.9}}));
}

TEST(Bars, ABarOnTheLimitComparesWithinEachRepeat) {
  const Bar bar{kNone, 0.5, 0};
  // The medians alone, 6 of 14, would not reach it.
  const std::vector<Sample> samples = {{4, 7}, {6, 10}, {60, 14}, {5, 20}, {8, 15}};
  EXPECT_EQ("holds", judge(bar, Better::kHigher, samples));
  EXPECT_EQ("below", judge(bar, Better::kHigher, {{4, 10}, {6, 10}, {4, 10}}));
}

TEST(Bars, WhatIsAddedToTheLimitIsInTheUnitOfTheRow) {
  const Bar bar{kNone, 1, 15};
  EXPECT_EQ("holds", judge(bar, Better::kLower, {{19, 5}}));
  EXPECT_EQ("below", judge(bar, Better::kLower, {{21, 5}}));
}

TEST(Bars, EveryPartMustHold) {
  const Bar bar{300, 0.5, 0};
  EXPECT_EQ("holds", judge(bar, Better::kHigher, {{310, 600}}));
  EXPECT_EQ("below", judge(bar, Better::kHigher, {{310, 700}}));
  EXPECT_EQ("below", judge(bar, Better::kHigher, {{290, 500}}));
}

TEST(Bars, WithoutNearCoresNothingIsJudged) {
  EXPECT_EQ("far", judge({10, kNone, 0}, Better::kLower, {{1}}, false));
}

TEST(Bars, AMissingLimitOrFigureNeverHolds) {
  EXPECT_EQ("below", judge({kNone, 0.5, 0}, Better::kHigher, {{10}}));
  EXPECT_EQ("below", judge({10, kNone, 0}, Better::kLower, {Sample{}}));
}

TEST(Bars, Text) {
  EXPECT_EQ("<= 2.5 x limit", (Bar{kNone, 2.5, 0}.text(Better::kLower)));
  EXPECT_EQ(">= 300 and >= 0.5 x limit", (Bar{300, 0.5, 0}.text(Better::kHigher)));
  EXPECT_EQ("<= limit + 15", (Bar{kNone, 1, 15}.text(Better::kLower)));
  EXPECT_EQ("", Bar{}.text(Better::kLower));
}

TEST(Figures, MediansSpreadAndRatio) {
  const Figures figures = figures_of({{1, 2, 4}, {3, 3, 4}, {8, 4, 4}}, 0);
  EXPECT_DOUBLE_EQ(3, figures.middle.ours);
  EXPECT_DOUBLE_EQ(3, figures.middle.limit);
  EXPECT_DOUBLE_EQ(4, figures.middle.peer);
  EXPECT_DOUBLE_EQ(2, figures.spread);
  EXPECT_DOUBLE_EQ(1, figures.ratio);
  EXPECT_DOUBLE_EQ(0.5, figures.ratio_spread);
  EXPECT_DOUBLE_EQ(0.5, figures_of({{2, kNone, 4}}, 0).ratio);
}

TEST(Plan, NameAndUnitTellRowsWithABarApart) {
  std::vector<std::string> seen;
  for (const auto& part : {plan_messages({"32768", "192"}), plan_costs(), plan_tasks()})
    for (const Group& group : part)
      for (const Row& row : group.rows)
        if (row.bar.given()) seen.push_back(row.name + "|" + row.unit);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen.end(), std::adjacent_find(seen.begin(), seen.end()));
  EXPECT_GE(seen.size(), 27u);
}

std::vector<std::string> keys_of(const Row& row) {
  std::vector<std::string> keys = {row.ours.key};
  for (const Value& peer : row.peers) keys.push_back(peer.key);
  return keys;
}

TEST(Plan, TasksOfOursAndOfThePeerAreTheSameCases) {
  std::size_t with_a_bar = 0;
  for (const Group& group : plan_tasks()) {
    EXPECT_EQ("tasks", group.section);
    if (group.id == "coroutines") continue;  // the peer has none
    ASSERT_EQ(2u, group.starts.size()) << group.id;
    EXPECT_EQ(Program::kTasks, group.starts[0].program);
    EXPECT_EQ(Program::kTbb, group.starts[1].program);
    EXPECT_EQ(group.starts[0].name, group.starts[1].name);
    EXPECT_EQ(group.starts[0].numbers, group.starts[1].numbers);
    EXPECT_EQ(group.starts[0].usual_seconds, group.starts[1].usual_seconds);
    for (const Row& row : group.rows) {
      with_a_bar += row.bar.given();
      const std::vector<std::string> keys = keys_of(row);
      ASSERT_EQ(2u, keys.size()) << row.name;
      EXPECT_EQ(0u, keys[0].find("ours.")) << keys[0];
      EXPECT_EQ("tbb." + keys[0].substr(5), keys[1]);
    }
  }
  EXPECT_EQ(9u, with_a_bar);
}

TEST(Plan, OnlyPeersMayBeMissing) {
  for (const Program ours : {Program::kMessages, Program::kTasks, Program::kLimits,
                             Program::kFabric})
    EXPECT_FALSE(is_peer(ours));
  for (const Program peer : {Program::kOpenMpi, Program::kMpich, Program::kShmem, Program::kTbb})
    EXPECT_TRUE(is_peer(peer));
}

}  // namespace
}  // namespace bench

// A PE that is full takes no requests for a while, and then one.
#include "engine/am/patience.hpp"

#include <gtest/gtest.h>

namespace lamellar::engine {
namespace {

constexpr std::uint64_t kFirst = Patience::kFirstNs;

TEST(Patience, BeginsWhenItIsAskedAndIsOverOnce) {
  Patience patience;
  EXPECT_FALSE(patience.over(1000));
  EXPECT_EQ(1000 + kFirst, patience.until(5000));
  EXPECT_FALSE(patience.over(1000 + kFirst - 1));
  EXPECT_TRUE(patience.over(1000 + kFirst));
  EXPECT_FALSE(patience.over(1000 + kFirst));
}

TEST(Patience, WhatMovesBeginsItAnew) {
  Patience patience;
  EXPECT_FALSE(patience.over(1000));
  patience.moved();
  EXPECT_FALSE(patience.over(1000 + kFirst));
  EXPECT_TRUE(patience.over(1000 + 2 * kFirst));
}

TEST(Patience, IsShorterAfterEachRequestUntilThePeIsFullAnew) {
  Patience patience;
  patience.full(1);
  std::uint64_t now = 1000;
  for (std::uint64_t length : {kFirst, kFirst / 2, kFirst / 4, kFirst / 8, kFirst / 16,
                               kFirst / 32, kFirst / 64, Patience::kShortestNs}) {
    patience.full(1);
    EXPECT_EQ(now + length, patience.until(now));
    now += length;
    EXPECT_TRUE(patience.over(now));
    patience.shorten();
  }
  patience.full(2);
  EXPECT_EQ(now + kFirst, patience.until(now));
}

}  // namespace
}  // namespace lamellar::engine

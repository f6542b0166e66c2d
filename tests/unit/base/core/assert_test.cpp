#include "base/core/assert.hpp"

#include <gtest/gtest.h>

namespace lamellar::base {
namespace {

TEST(AssertDeathTest, NamesPeRoomFileAndLine) {
  EXPECT_DEATH(
      {
        set_current_pe_for_log(3);
        LAMELLAR_CHECK(1 + 1 == 3, "arithmetic");
      },
      R"(\[lamellar PE 3\] broken invariant in .*, assert_test.cpp:[0-9]+: 1 \+ 1 == 3: arith)");
}

TEST(AssertDeathTest, TakesTheRoomFromThePath) {
  EXPECT_DEATH(check_failed("c", "m", "/home/src/x/src/engine/am/batcher.cpp", 12),
               R"(\[lamellar\] broken invariant in engine/am, batcher.cpp:12: c: m)");
  EXPECT_DEATH(check_failed("c", "m", "../lamellae/local/local.cpp", 1),
               R"(invariant in lamellae/local, local.cpp:1)");
}

TEST(Assert, ATrueConditionDoesNothing) {
  LAMELLAR_CHECK(true, "never");
  set_current_pe_for_log(5);
  EXPECT_EQ(current_pe_for_log(), 5);
  set_current_pe_for_log(-1);
  EXPECT_EQ(current_pe_for_log(), -1);
}

}  // namespace
}  // namespace lamellar::base

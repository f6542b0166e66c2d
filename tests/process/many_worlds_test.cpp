// Worlds leave nothing behind and do not disturb one another.
#include <gtest/gtest.h>

#include <sstream>

#include "base/core/sanitizers.hpp"
#include "process/child.hpp"

namespace process_tests {
namespace {

void expect_no_leak(const std::string& name) {
  const Ended ended = run({name});
  ASSERT_EQ(0, ended.status) << ended.out << ended.err;
  EXPECT_EQ("", ended.err);
  std::map<std::string, long> growth;
  std::istringstream lines(ended.out);
  std::string what;
  long value = 0;
  while (lines >> what >> value) growth[what] = value;
  ASSERT_EQ(5u, growth.size()) << ended.out;
  EXPECT_EQ(320, growth["right"]);
  EXPECT_EQ(0, growth["fds"]);
  EXPECT_EQ(0, growth["threads"]);
  // A map more per world would be three hundred of them.
  EXPECT_LT(growth["maps"], 50) << ended.out;
#if !defined(LAMELLAR_ADDRESS_SANITIZER) && !defined(LAMELLAR_THREAD_SANITIZER)
  EXPECT_LT(growth["bytes"], 20 * 64) << ended.out;  // of twenty worlds
#endif
}

TEST(ManyWorlds, OneAfterTheOtherLeaveNothing) { expect_no_leak("worlds_in_a_row"); }
TEST(ManyWorlds, FailingOnesLeaveNothing) { expect_no_leak("failing_worlds_in_a_row"); }
TEST(ManyWorlds, InitLeavesNothing) { expect_no_leak("init_worlds_in_a_row"); }

TEST(ManyWorlds, AtOnce) {
  const Ended ended = run({"worlds_at_once"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("right 40\n", ended.out) << ended.err;
  EXPECT_EQ("", ended.err);
}

TEST(ManyWorlds, OneThatFailsEndsAlone) {
  const Ended ended = run({"one_fails_beside_another"});
  EXPECT_EQ("right 20, failed 20\n", ended.out) << ended.err;
  EXPECT_EQ(20u, ended.err_lines()) << ended.err;
}

TEST(ManyWorlds, OfInitTogether) {
  const Ended ended = run({"init_worlds_together", "--lamellar-num-pes", "2"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("right 4\n", ended.out) << ended.err;
  EXPECT_EQ("", ended.err);
}

TEST(ManyWorlds, OfInitEndWhereTheLastCopyGoes) {
  const Ended ended = run({"init_world_ends_elsewhere"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("ended 1\nright 1\n", ended.out) << ended.err;
  EXPECT_EQ("", ended.err);
}

}  // namespace
}  // namespace process_tests

// A hang can always be told: who waits for what, and where in the source.
#include <signal.h>

#include <gtest/gtest.h>

#include "process/child.hpp"

namespace process_tests {
namespace {

// The lines of a table that name this PE, this wait and this place.
bool tells(const std::string& table, const std::string& pe, const std::string& what,
           const std::string& place) {
  std::size_t from = 0;
  for (std::size_t to = 0; (to = table.find('\n', from)) != std::string::npos; from = to + 1) {
    const std::string line = table.substr(from, to - from);
    if (line.find("PE " + pe + " waits for " + what) != std::string::npos &&
        line.find("programs/" + place + " in ") != std::string::npos)
      return true;
  }
  return false;
}

void expect_mismatched_barrier(const std::string& table) {
  // Number 2 or 3: the message of PE 1 may come first.
  EXPECT_TRUE(tells(table, "0", "barrier #", line_of("waits.cpp", "second barrier"))) << table;
  EXPECT_TRUE(tells(table, "1", "the reply of an active message",
                    line_of("waits.cpp", "reply that never comes")))
      << table;
  EXPECT_TRUE(tells(table, "0", "", line_of("waits.cpp", "suspended coroutine"))) << table;
}

TEST(Waits, GuardAsksAHungJobThenKillsIt) {
  std::vector<std::string> command{LAMELLAR_SOURCE_DIR "/tests/support/guard", "3"};
  for (const std::string& word : program({"mismatched_barrier", "--lamellar-num-pes", "2"}))
    command.push_back(word);
  Child child(command, {});
  EXPECT_EQ(124, child.wait());
  expect_mismatched_barrier(child.err());
  EXPECT_EQ(1u, count(child.err(), "who waits for what in process")) << child.err();
  EXPECT_NE(std::string::npos, child.err().find("guard: time-out after 3 s, killed"));
}

TEST(Waits, SignalAsksTheJobGoesOn) {
  Child child(program({"wait_all_against_barrier", "--lamellar-num-pes", "2"}), {});
  ASSERT_TRUE(child.out_has("PE 0 runs") && child.out_has("PE 1 runs"));
  const std::string barrier = line_of("waits.cpp", "lonely barrier");
  const std::string wait_all = line_of("waits.cpp", "wait_all");
  // The table is right once both have come to their wait; asking again does no harm.
  while (!tells(child.err(), "0", "barrier #1", barrier) ||
         !tells(child.err(), "1", "all its active messages (wait_all)", wait_all)) {
    const std::size_t tables = count(child.err(), "ever not shown");
    child.send(SIGUSR1);
    while (count(child.err(), "ever not shown") == tables)
      ASSERT_TRUE(child.more()) << child.err();
  }
  child.send(SIGKILL);
  EXPECT_EQ(128 + SIGKILL, child.wait());
}

TEST(Waits, TimeoutPrintsTheTableByItself) {
  Child child(program({"mismatched_barrier", "--lamellar-num-pes", "2"}),
              {"LAMELLAR_DEADLOCK_WARNING_TIMEOUT=0.2"});
  ASSERT_TRUE(child.err_has("a wait lasts longer than 0.2 s (LAMELLAR_DEADLOCK_WARNING_TIMEOUT)"));
  while (count(child.err(), "ever not shown") < 2)  // one table per thread that waits
    ASSERT_TRUE(child.more()) << child.err();
  expect_mismatched_barrier(child.err());
  child.send(SIGKILL);
  child.wait();
}

TEST(Waits, TimeoutZeroIsSilent) {
  Child child(program({"mismatched_barrier", "--lamellar-num-pes", "2"}),
              {"LAMELLAR_DEADLOCK_WARNING_TIMEOUT=0"});
  ASSERT_TRUE(child.out_has("PE 0 runs") && child.out_has("PE 1 runs"));
  child.send(SIGUSR1);
  ASSERT_TRUE(child.err_has("ever not shown"));
  EXPECT_EQ(std::string::npos, child.err().find("a wait lasts longer"));
}

TEST(Waits, SuspendedTasksAreInTheTable) {
  Child child(program({"suspended_tasks", "--lamellar-num-pes", "2"}),
              {"LAMELLAR_DEADLOCK_WARNING_TIMEOUT=0.2"});
  while (count(child.err(), "ever not shown") < 2) ASSERT_TRUE(child.more()) << child.err();
  const std::string& table = child.err();
  EXPECT_TRUE(tells(table, "0", "", line_of("waits.cpp", "awaited message"))) << table;
  EXPECT_TRUE(tells(table, "0", "", line_of("waits.cpp", "blocked on a task"))) << table;
  EXPECT_TRUE(tells(table, "1", "", line_of("waits.cpp", "suspended coroutine"))) << table;
}

TEST(WaitsSignal, DefaultIsUsr1) {
  EXPECT_EQ("USR1 lamellar, USR2 default\n", run({"dispositions"}).out);
  EXPECT_EQ("USR1 lamellar, USR2 default\n", run({"dispositions_init"}).out);
}

TEST(WaitsSignal, NoneLeavesThemAlone) {
  const Ended ended = run({"dispositions"}, {"LAMELLAR_WAITS_SIGNAL=none"});
  EXPECT_EQ("USR1 default, USR2 default\n", ended.out);
  EXPECT_EQ("USR1 default, USR2 default\n",
            run({"dispositions_init", "--lamellar-waits-signal", "none"}).out);
}

TEST(WaitsSignal, Usr2) {
  const Ended ended = run({"dispositions"}, {"LAMELLAR_WAITS_SIGNAL=USR2"});
  EXPECT_EQ("USR1 default, USR2 lamellar\n", ended.out);
}

TEST(WaitsSignal, OtherNamesAreRefused) {
  const Ended ended = run({"dispositions"}, {"LAMELLAR_WAITS_SIGNAL=KILL"});
  EXPECT_EQ(2, ended.status);
  EXPECT_NE(std::string::npos, ended.err.find("USR1, USR2, none")) << ended.err;
  EXPECT_EQ("", ended.out);
}

TEST(WaitsSignal, AProgramsOwnHandlerStays) {
  const Ended ended = run({"dispositions_own_handler"});
  EXPECT_EQ("USR1 own, USR2 default\nown handler called 1 times\n", ended.out);
  EXPECT_EQ("", ended.err);
  EXPECT_EQ("USR1 ignored, USR2 default\n", run({"dispositions_ignored"}).out);
}

}  // namespace
}  // namespace process_tests

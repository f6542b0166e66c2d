// LAMELLAR_FAULTS in whole jobs: what is refused, and PEs that die of it.
#include <gtest/gtest.h>

#include "process/child.hpp"

namespace process_tests {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kSome = "LAMELLAR_FAULTS=delay=0.2:20us,reorder=0.2,refuse=0.3,slow_poll=0.2";

Ended run_processes(const std::string& pes, const std::vector<std::string>& variables) {
  std::vector<std::string> command{LAMELLAR_RUN_PROGRAM, "-n", pes};
  for (const std::string& word : program({"traffic"})) command.push_back(word);
  Child child(command, variables);
  Ended ended;
  ended.status = child.wait();
  ended.out = child.out();
  ended.err = child.err();
  return ended;
}

void expect_all_done(const Ended& ended, int pes) {
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("", ended.err);
  for (int pe = 0; pe < pes; ++pe)
    EXPECT_TRUE(has(ended.out, "PE " + std::to_string(pe) + ": 300.\n")) << ended.out;
}

TEST(Faults, AJobGoesOnUnderThem) {
  expect_all_done(run({"traffic", "--lamellar-num-pes", "3"}, {kSome}), 3);
  expect_all_done(run({"traffic", "--lamellar-num-pes", "3"}, {kSome, "LAMELLAR_BACKEND=sim"}), 3);
  expect_all_done(run_processes("3", {kSome}), 3);
}

TEST(Faults, WrongOnesAreRefusedInOneLine) {
  const Ended one = run({"shape", "--lamellar-num-pes", "3"}, {"LAMELLAR_FAULTS=refuse=1"});
  EXPECT_EQ(2, one.status);
  EXPECT_EQ(1u, one.err_lines()) << one.err;
  EXPECT_TRUE(has(one.err, "LAMELLAR_FAULTS: 'refuse=1': with probability 1 nothing")) << one.err;
  const Ended processes = run_processes("3", {"LAMELLAR_FAULTS=loss=0.1"});
  EXPECT_NE(0, processes.status);
  EXPECT_EQ(1u, processes.err_lines()) << processes.err;
  EXPECT_TRUE(has(processes.err, "'loss=0.1': that needs a lamella with the capability"))
      << processes.err;
}

TEST(Faults, APeThatIsNotThereCannotBeKilled) {
  const Ended one = run({"shape", "--lamellar-num-pes", "3"}, {"LAMELLAR_FAULTS=kill=3@7"});
  EXPECT_EQ(2, one.status);
  EXPECT_EQ(1u, one.err_lines()) << one.err;
  EXPECT_TRUE(has(one.err, "'kill=3@7': there is no PE 3 in a job of 3 PEs")) << one.err;
  const Ended processes = run_processes("2", {"LAMELLAR_FAULTS=kill=3@7"});
  EXPECT_NE(0, processes.status);
  EXPECT_EQ(1u, processes.err_lines()) << processes.err;
  EXPECT_TRUE(has(processes.err, "there is no PE 3 in a job of 2 PEs")) << processes.err;
}

TEST(Faults, APeOfOneProcessDies) {
  for (const char* backend : {"LAMELLAR_BACKEND=local", "LAMELLAR_BACKEND=sim"}) {
    const Ended ended =
        run({"traffic", "--lamellar-num-pes", "4"}, {backend, "LAMELLAR_FAULTS=kill=2@100"});
    EXPECT_EQ(1, ended.status) << ended.err;
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    EXPECT_TRUE(has(ended.err, "PE 2 dies after 100 sends, as LAMELLAR_FAULTS asks for; the job "
                               "ends"))
        << ended.err;
    for (const char* pe : {"0", "1", "3"})
      EXPECT_TRUE(has(ended.out, "PE " + std::string(pe) + ": JobFailed of PE 2.\n")) << ended.out;
    EXPECT_FALSE(has(ended.out, ": 300.")) << ended.out;
  }
}

void expect_killed(const Ended& ended, const std::string& pe) {
  EXPECT_EQ(137, ended.status) << ended.err;
  EXPECT_EQ(1u, count(ended.err, "PE " + pe + " dies after 100 sends, as LAMELLAR_FAULTS asks for"))
      << ended.err;
  EXPECT_EQ(1u, count(ended.err, "killed by signal 9 (SIGKILL)")) << ended.err;
  EXPECT_EQ(2u, ended.err_lines()) << ended.err;
  EXPECT_FALSE(has(ended.out, ": 300.")) << ended.out;
}

TEST(Faults, APeThatIsAProcessDies) {
  expect_killed(run_processes("3", {"LAMELLAR_FAULTS=kill=1@100"}), "1");
  expect_killed(run_processes("2", {"LAMELLAR_FAULTS=delay=0.1:20us,kill=0@100"}), "0");
}

#ifdef LAMELLAR_TEST_HAS_LIBFABRIC
TEST(Faults, OverTheNetwork) {
  const std::string ofi = "LAMELLAR_BACKEND=ofi", loopback = "LAMELLAR_INTERFACE=lo";
  expect_all_done(run_processes("2", {kSome, ofi, loopback}), 2);
  expect_killed(run_processes("2", {"LAMELLAR_FAULTS=kill=1@100", ofi, loopback}), "1");
}
#endif

}  // namespace
}  // namespace process_tests

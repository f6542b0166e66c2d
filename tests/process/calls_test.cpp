// The hot path: what 10^6 detached messages of 8 bytes to another PE cost their sender.
#include <gtest/gtest.h>

#include <stdlib.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include "process/child.hpp"

namespace process_tests {
namespace {

constexpr std::uint64_t kMessages = 1'000'000;
constexpr std::uint64_t kFrameBytes = 32 * 1024;  // the default
constexpr std::uint64_t kHeads = 32 + 8;          // of the frame and of its only run
constexpr std::uint64_t kPerFrame = (kFrameBytes - kHeads) / 8;
constexpr std::uint64_t kFrames = (kMessages + kPerFrame - 1) / kPerFrame + 1;  // begins anywhere

using Costs = std::map<std::string, std::uint64_t>;

// Runs the counting program under its auditor. Empty when this build has none.
Costs costs_of(const std::vector<std::string>& variables) {
  const std::string programs = program({}).front();
  const std::string folder = programs.substr(0, programs.rfind('/') + 1);
  const std::string auditor = folder + "libprocess_calls_audit.so";
  if (access(auditor.c_str(), R_OK) != 0) return {};
  char page[] = "/tmp/lamellar-counts-XXXXXX";
  const int fd = mkstemp(page);
  EXPECT_GE(fd, 0);
  EXPECT_EQ(0, ftruncate(fd, 4096));
  close(fd);
  std::vector<std::string> environment{"LD_AUDIT=" + auditor,
                                       std::string("LAMELLAR_TEST_COUNTS=") + page,
                                       "LAMELLAR_NUM_PES=2", "LAMELLAR_THREADS=1",
                                       "LAMELLAR_PROGRESS=poll"};  // no thread comes meanwhile
  environment.insert(environment.end(), variables.begin(), variables.end());
  Child child({folder + "process_calls"}, environment);
  EXPECT_EQ(0, child.wait()) << child.err();
  EXPECT_EQ("", child.err());
  unlink(page);
  Costs costs;
  std::istringstream lines(child.out());
  std::string what;
  std::uint64_t value = 0;
  while (lines >> what >> value) costs[what] = value;
  EXPECT_EQ(kMessages, costs["executed"]) << child.out();
  EXPECT_EQ(1u, costs["sum_is_right"]) << child.out();
  for (const char* control : {"control_calls", "control_news", "control_locks"})
    EXPECT_EQ(1u, costs[control]) << control << ": the counter does not count";
  return costs;
}

void expect_hot_path(Costs& costs, std::uint64_t more_calls) {
  EXPECT_EQ(0u, costs["news_of_sender"]);
  EXPECT_EQ(0u, costs["locks_of_sender"]);
  EXPECT_LE(costs["calls_of_sender"], kFrames + more_calls) << "calls into liblamellar.so";
  EXPECT_EQ(costs["calls_of_sender"], costs["calls"]) << "the receiver runs whole frames";
  for (const auto& [what, value] : costs)
    testing::Test::RecordProperty(what, std::to_string(value));
}

// The pool takes everything, a quarter of it, a few frames of it.
TEST(HotPath, OneCallPerFrameNothingElse) {
  for (const char* pool : {"1024", "64", "16"}) {
    SCOPED_TRACE(pool);
    Costs costs = costs_of({std::string("LAMELLAR_POOL_FRAMES=") + pool,
                            "LAMELLAR_FLUSH_US=1000000"});
    if (costs.empty()) GTEST_SKIP() << "this build has no auditor";
    expect_hot_path(costs, 0);
    const bool takes_everything = std::string(pool) == "1024";
    EXPECT_TRUE(!takes_everything || costs["news"] == 0) << "operator new on any thread";
  }
}

// A sender that is taken off its core leaves a frame behind that the helper thread hands over:
// then it announces its next message in one call more.
TEST(HotPath, WithTheDefaultFlush) {
  for (const char* pool : {"256", "64"}) {
    SCOPED_TRACE(pool);
    Costs costs = costs_of({std::string("LAMELLAR_POOL_FRAMES=") + pool});
    if (costs.empty()) GTEST_SKIP() << "this build has no auditor";
    expect_hot_path(costs, costs["switches"]);
  }
}

}  // namespace
}  // namespace process_tests

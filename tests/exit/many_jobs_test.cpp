// Many jobs on one host do not disturb each other.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "exit/job.hpp"

namespace exit_tests {
namespace {

TEST(ManyJobs, FiftyAtOnce) {
  constexpr int kJobs = 50;
  Folder temporary;
  const std::vector<std::string> shared_before = content_of("/dev/shm");
  const std::string token = "exit-token-many-" + std::to_string(getpid()) + ".";
  {
    std::vector<std::unique_ptr<process_tests::Child>> jobs;
    for (int i = 0; i < kJobs; ++i)
      jobs.push_back(std::make_unique<process_tests::Child>(
          std::vector<std::string>{LAMELLAR_RUN_PROGRAM, "-n", "2", LAMELLAR_EXIT_PROGRAM, token,
                                   "return0", "return", "9"},
          std::vector<std::string>{"TMPDIR=" + temporary.path()}));
    for (const auto& job : jobs) {
      EXPECT_EQ(job->wait(), 0) << job->err();
      EXPECT_EQ(job->err(), "");
      EXPECT_EQ(process_tests::count(job->out(), "ready PE "), 2u) << job->out();
    }
  }
  EXPECT_EQ(processes_with(token).size(), 0u);
  EXPECT_TRUE(temporary.content().empty());
  for (const std::string& name : content_of("/dev/shm"))
    EXPECT_TRUE(name.starts_with("vader_segment.") ||  // of an MPI program beside us
                std::binary_search(shared_before.begin(), shared_before.end(), name))
        << name;
}

// One PE of one job dies; the jobs beside it end well.
TEST(ManyJobs, OneThatFailsEndsAlone) {
  Job failing(Launcher::kLamellarRun, "abort", "barrier", 1);
  Job lasting(Launcher::kLamellarRun, "return0", "return", 1);
  ASSERT_TRUE(failing.started() && lasting.started());
  kill(failing.pe(1), SIGRTMIN);
  EXPECT_EQ(failing.status(), 134);
  EXPECT_EQ(kill(lasting.pe(1), 0), 0);
  kill(lasting.pe(1), SIGRTMIN);
  EXPECT_EQ(lasting.status(), 0) << lasting.err();
  EXPECT_EQ(lasting.err(), "");
}

}  // namespace
}  // namespace exit_tests

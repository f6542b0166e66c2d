// Jobs with libfabric between the PEs: what cannot start says why in one line, and what dies ends
// everything.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "exit/job.hpp"

namespace exit_tests {
namespace {

using process_tests::Child;
using process_tests::count;

const std::vector<std::string> kAsRoot = {"OMPI_ALLOW_RUN_AS_ROOT=1",
                                          "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};

const std::vector<std::string> kOverNetwork = {"LAMELLAR_BACKEND=ofi", "LAMELLAR_INTERFACE=lo"};

class Network : public testing::TestWithParam<Launcher> {
 protected:
  void SetUp() override {
    if (path_of(GetParam()).empty()) GTEST_SKIP() << name_of(GetParam()) << " is not installed";
  }

  static std::vector<std::string> command(const std::string& pes, const std::string& setting) {
    std::vector<std::string> words = {path_of(GetParam())};
    if (GetParam() == Launcher::kMpirun)
      words.insert(words.end(), {"--oversubscribe", "--bind-to", "none"});
    words.insert(words.end(), {"-n", pes, "/usr/bin/env", kOverNetwork[0], kOverNetwork[1], setting,
                               LAMELLAR_EXIT_PROGRAM, "refused", "return0", "block", "0"});
    return words;
  }

  // A job of 3 PEs with `setting` does not start; one line has all of `parts`.
  void expect_refused(const std::string& setting, const std::vector<std::string>& parts) {
    Child child(command("3", setting), kAsRoot);
    EXPECT_NE(child.wait(), 0);
    EXPECT_EQ(child.out().find("ready"), std::string::npos);
    EXPECT_EQ(count(child.err(), parts.front()), 1u) << child.err();
    for (const std::string& part : parts)
      EXPECT_NE(child.err().find(part), std::string::npos) << part << " in " << child.err();
  }
};

TEST_P(Network, AnInterfaceThatIsNotThere) {
  expect_refused("LAMELLAR_INTERFACE=no-such0",
                 {"no interface 'no-such0'", "PE 0", "lo (127.0.0.1)", "LAMELLAR_INTERFACE"});
}

TEST_P(Network, AProviderThatIsNotThere) {
  expect_refused("LAMELLAR_PROVIDER=no-such",
                 {"provider 'no-such' cannot be used", "PE 0", "tcp;ofi_rxm", "LAMELLAR_PROVIDER"});
}

// In a millisecond nobody can answer: what is said is what is said of a host that never does.
// Whose time-out of 1 ms ran out is known by its words: on a busy machine it may be that of the
// control connections, which come first. Then again.
TEST_P(Network, APeThatDoesNotAnswer) {
  const char* const too_early = "control connections";
  std::string said = too_early;
  for (int tries = 0; tries < 30 && said.find(too_early) != std::string::npos; ++tries) {
    Child child(command("2", "LAMELLAR_CONNECT_TIMEOUT=0.001"), kAsRoot);
    ASSERT_NE(child.wait(), 0);
    said = child.err();
    ASSERT_NE(said.find("within 1 ms (LAMELLAR_CONNECT_TIMEOUT)"), std::string::npos) << said;
  }
  EXPECT_EQ(count(said, "did not answer within 1 ms"), 1u) << said;
  for (const char* const part :
       {"PE 1 (host ", "address 127.0.0.1:", "provider tcp;ofi_rxm, interface lo",
        "LAMELLAR_INTERFACE chooses"})
    EXPECT_NE(said.find(part), std::string::npos) << part << " in " << said;
}

TEST_P(Network, APeThatIsKilledEndsTheJob) {
  Job job(GetParam(), "return0", "spin", 0, kOverNetwork);
  ASSERT_TRUE(job.started()) << job.err();
  kill(job.pe(2), SIGKILL);
  job.wait_until_gone();
  EXPECT_NE(job.status(), 0);
  EXPECT_LE(job.our_lines().size(), 1u) << job.err();
  EXPECT_TRUE(job.processes_left().empty());
  EXPECT_TRUE(job.files_left().empty());
}

INSTANTIATE_TEST_SUITE_P(Launchers, Network,
                         testing::Values(Launcher::kLamellarRun, Launcher::kHydra,
                                         Launcher::kMpirun),
                         [](const auto& info) {
                           std::string name = name_of(info.param);
                           name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                           return name;
                         });

}  // namespace
}  // namespace exit_tests

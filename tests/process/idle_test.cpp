// A world that has nothing to do costs nothing: five seconds of it, measured once.
#include <gtest/gtest.h>

#include <sstream>

#include "process/child.hpp"

namespace process_tests {
namespace {

TEST(Idle, FourPesForFiveSeconds) {
  const Ended ended = run({"idle"}, {"LAMELLAR_NUM_PES=4", "LAMELLAR_THREADS=2"});
  ASSERT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("", ended.err);
  std::istringstream lines(ended.out);
  std::string word;
  long cpu_us = -1;
  std::map<std::string, long> switches;
  while (lines >> word) {
    if (word == "cpu_us") {
      lines >> cpu_us;
    } else if (word == "switches") {
      lines >> word;
      lines >> switches[word];
    }
  }
  EXPECT_GE(cpu_us, 0);
  EXPECT_LT(cpu_us, 100'000) << "more than 2 % of a core";
  RecordProperty("cpu_us", std::to_string(cpu_us));
  ASSERT_EQ(1u, switches.count("lml-helper")) << ended.out;
  for (int pe = 0; pe < 4; ++pe) {
    const std::string own = "lml-pe" + std::to_string(pe);
    const std::string worker = "lml" + std::to_string(pe) + ".0";
    ASSERT_TRUE(switches.count(own) == 1 && switches.count(worker) == 1) << ended.out;
    EXPECT_LE(switches[own] + switches[worker] + switches["lml-helper"], 20) << ended.out;
    EXPECT_EQ(0u, switches.count("lml" + std::to_string(pe) + ".standin")) << ended.out;
  }
}

}  // namespace
}  // namespace process_tests

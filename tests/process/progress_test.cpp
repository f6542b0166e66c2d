// A PE that computes: who answers for it (LAMELLAR_PROGRESS).
#include <gtest/gtest.h>

#include "process/child.hpp"

namespace process_tests {
namespace {

TEST(Progress, HelperIsTheDefault) {
  for (const std::string threads : {"LAMELLAR_THREADS=1", "LAMELLAR_PROGRESS=helper"}) {
    const Ended ended = run({"progress", "until"}, {"LAMELLAR_NUM_PES=2", threads});
    EXPECT_EQ(0, ended.status) << ended.err;
    EXPECT_EQ("while computing 1\nin the end 1\n", ended.out);
    EXPECT_EQ("", ended.err);
  }
}

TEST(Progress, NobodyAnswersWithPoll) {
  for (const std::string how : {"LAMELLAR_PROGRESS=poll", "LAMELLAR_EXECUTOR=single"}) {
    const Ended ended =
        run({"progress", "while"}, {"LAMELLAR_NUM_PES=2", "LAMELLAR_THREADS=1", how});
    EXPECT_EQ(0, ended.status) << ended.err;
    EXPECT_EQ("while computing 0\nin the end 1\n", ended.out) << how;
    EXPECT_EQ("", ended.err);
  }
}

TEST(Progress, UnknownIsAnErrorWithTheNames) {
  const Ended ended = run({"progress", "while"}, {"LAMELLAR_PROGRESS=helpful"});
  EXPECT_EQ(2, ended.status);
  EXPECT_NE(std::string::npos, ended.err.find("the choices are helper, poll")) << ended.err;
}

}  // namespace
}  // namespace process_tests

#include <lamellar/error.hpp>

#include <gtest/gtest.h>

#include <string>

namespace lamellar {
namespace {

template <class E>
std::string what_of_thrown(const E& error) {
  try {
    throw error;
  } catch (const Error& caught) {
    EXPECT_NE(dynamic_cast<const E*>(&caught), nullptr);
    return caught.what();
  }
}

TEST(Error, EveryKindIsCaughtAsError) {
  EXPECT_EQ(what_of_thrown(ConfigError("a")), "a");
  EXPECT_EQ(what_of_thrown(LaunchError("b")), "b");
  EXPECT_EQ(what_of_thrown(WouldDeadlock("c")), "c");
  EXPECT_EQ(what_of_thrown(WorldEnded("d")), "d");
  EXPECT_EQ(what_of_thrown(DecodeError("e")), "e");
  EXPECT_EQ(what_of_thrown(Unsupported("f")), "f");
}

TEST(Error, RemoteErrorKeepsItsParts) {
  const RemoteError error("std::out_of_range", "index 7", 3, "Hello");
  const RemoteError copy = error;
  EXPECT_EQ(copy.type_name(), "std::out_of_range");
  EXPECT_EQ(copy.remote_what(), "index 7");
  EXPECT_EQ(copy.am(), "Hello");
  EXPECT_EQ(copy.pe(), 3u);
  EXPECT_EQ(what_of_thrown(error),
            "active message Hello on PE 3 threw std::out_of_range: index 7");
}

TEST(Error, MessagesCarryTheNumbersAndTheKnob) {
  EXPECT_EQ(what_of_thrown(AmTooLarge("active message Hello", 2048, 1024)),
            "active message Hello needs 2048 bytes encoded, the limit is 1024 (LAMELLAR_MAX_AM): "
            "raise it on every PE or send less");
  EXPECT_EQ(what_of_thrown(OutOfRange("exec_am_pe", 4, 2)),
            "exec_am_pe: there is no PE 4, the world has 2 PEs (0 to 1)");
  EXPECT_EQ(what_of_thrown(OutOfRange("exec_am_pe", 1, 1)),
            "exec_am_pe: there is no PE 1, the world has 1 PE (0)");
  EXPECT_EQ(what_of_thrown(JobFailed(1, "out of memory")),
            "the job ends because PE 1 failed: out of memory");
  EXPECT_EQ(JobFailed(1, "out of memory").reason(), "out of memory");
  EXPECT_EQ(PeerFailed(5, "gone").pe(), 5u);
}

}  // namespace
}  // namespace lamellar

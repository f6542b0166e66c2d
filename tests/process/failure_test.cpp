// What a job does when one of its PEs, messages or handles goes wrong.
#include <signal.h>

#include <gtest/gtest.h>

#include "process/child.hpp"

namespace process_tests {
namespace {

constexpr int kTimes = 10;  // of tests in which threads race

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Status, IsTheFirstThatIsNotZero) {
  const Ended ended = run({"returns_three", "--lamellar-num-pes", "4"});
  EXPECT_EQ(3, ended.status);
  EXPECT_EQ("", ended.err);
  for (const char* pe : {"0", "1", "2", "3"})
    EXPECT_TRUE(has(ended.out, "PE " + std::string(pe) + " got 7\n")) << ended.out;
}

// Every wait of five PEs ended with the failure of `pe`, everything was unwound, one report.
void expect_all_unwound(const Ended& ended, const std::string& pe, const std::string& reason) {
  EXPECT_EQ(1, ended.status) << ended.out << ended.err;
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, reason)) << ended.err;
  const char* const waits[] = {"barrier", "wait_all", "block", "co_await", "async_wait_all"};
  for (int waiting = 0; waiting < 5; ++waiting) {
    const std::string line = "PE " + std::to_string(waiting) + ": " + waits[waiting] +
                             " threw JobFailed of PE " + pe + ": ";
    EXPECT_TRUE(has(ended.out, line)) << line << "\n" << ended.out;
  }
  EXPECT_FALSE(has(ended.out, "returned")) << ended.out;
  EXPECT_FALSE(has(ended.out, "something else")) << ended.out;
  EXPECT_TRUE(has(ended.out, reason)) << ended.out;
  EXPECT_TRUE(has(ended.out, "made more than 9, left 0\n")) << ended.out;
}

TEST(Failure, APeThatThrowsEndsTheJob) {
  for (int i = 0; i < kTimes; ++i) {
    const Ended ended = run({"pe_throws", "--lamellar-num-pes", "6"});
    expect_all_unwound(ended, "5", "the function of PE 5 threw std::invalid_argument: planted");
    EXPECT_TRUE(has(ended.err, "[lamellar PE 5] error: ")) << ended.err;
  }
}

TEST(Failure, APeThatThrowsWithWorkersEndsTheJob) {
  for (int i = 0; i < kTimes; ++i)
    expect_all_unwound(
        run({"pe_throws", "--lamellar-num-pes", "6", "--lamellar-threads", "3"}), "5",
        "the function of PE 5 threw std::invalid_argument: planted");
}

TEST(Failure, ThrowingSomethingThatIsNoException) {
  const Ended ended = run({"pe_throws_no_exception", "--lamellar-num-pes", "2"});
  EXPECT_EQ(1, ended.status);
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "the function of PE 1 threw int: ")) << ended.err;
}

TEST(Failure, ThrowingWhenTheOthersHaveReturned) {
  const Ended ended = run({"pe_throws_when_others_returned", "--lamellar-num-pes", "3"});
  EXPECT_EQ(1, ended.status);
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "the function of PE 1 threw std::runtime_error: late")) << ended.err;
}

TEST(Failure, ADetachedMessageThatThrowsEndsTheJob) {
  for (int i = 0; i < kTimes; ++i) {
    const Ended ended = run({"detached_throws", "--lamellar-num-pes", "6"});
    expect_all_unwound(ended, "2",
                       "active message Throws from PE 5 failed and nobody waits for it: "
                       "std::out_of_range: planted");
    EXPECT_TRUE(has(ended.out, "PE 5: wait_all after detach threw JobFailed of PE 2"))
        << ended.out;
  }
}

TEST(Failure, ADetachedCoroutineThatThrowsEndsTheJob) {
  for (int i = 0; i < kTimes; ++i) {
    const Ended ended = run({"detached_coroutine_throws", "--lamellar-num-pes", "6"});
    expect_all_unwound(ended, "2",
                       "active message ThrowsLater from PE 5 failed and nobody waits for it: "
                       "lamellar::RemoteError: ");
    EXPECT_TRUE(has(ended.err, "inner planted")) << ended.err;
  }
}

TEST(Failure, MessagesToTheOwnPeEndWithTheJob) {
  const Ended ended = run({"own_messages_without_end", "--lamellar-num-pes", "2"});
  EXPECT_EQ(1, ended.status);
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.out, "PE 0: block threw JobFailed of PE 1: ")) << ended.out;
  EXPECT_TRUE(has(ended.out, "left 0\n")) << ended.out;
}

TEST(Failure, ADetachedMessageToTheOwnPeThatThrowsEndsTheJob) {
  const Ended ended = run({"detached_throws_here", "--lamellar-num-pes", "2"});
  EXPECT_EQ(1, ended.status);
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "active message Throws from PE 1 failed and nobody waits for it: "
                             "std::out_of_range: planted"))
      << ended.err;
}

TEST(Failure, ADroppedFutureThatFailsEndsTheJob) {
  for (const char* when : {"before", "after"}) {
    const Ended ended = run({"dropped_future", when, "--lamellar-num-pes", "2"});
    EXPECT_EQ(1, ended.status) << when;
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    EXPECT_TRUE(has(ended.err, "[lamellar PE 1] error: a dropped future failed and nobody waits "
                               "for it: lamellar::RemoteError: "))
        << ended.err;
    EXPECT_TRUE(has(ended.err, "planted")) << ended.err;
  }
  const Ended ended = run({"dropped_task_future", "--lamellar-num-pes", "2"});
  EXPECT_EQ(1, ended.status);
  EXPECT_TRUE(has(ended.err, "a dropped future failed and nobody waits for it: "
                             "std::invalid_argument: planted"))
      << ended.err;
}

TEST(Failure, TheHandlerGetsThemAndTheJobGoesOn) {
  for (int i = 0; i < kTimes; ++i) {
    const Ended ended = run({"error_handler", "--lamellar-num-pes", "2"});
    EXPECT_EQ(0, ended.status) << ended.err;
    EXPECT_EQ("", ended.err);
    EXPECT_TRUE(has(ended.out, "seen 3\n")) << ended.out;
    EXPECT_EQ(2u, count(ended.out, "handler: detached\n")) << ended.out;
    EXPECT_EQ(1u, count(ended.out, "handler: RemoteError ")) << ended.out;
  }
}

TEST(Failure, AHandlerThatThrowsEndsTheJob) {
  const Ended ended = run({"error_handler_throws", "--lamellar-num-pes", "2"});
  EXPECT_EQ(1, ended.status);
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "planted")) << ended.err;
}

TEST(Failure, SeveralAtOnceGiveOneReport) {
  for (int i = 0; i < 3 * kTimes; ++i) {
    const Ended ended = run({"all_throw", "--lamellar-num-pes", "4"});
    EXPECT_EQ(1, ended.status);
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    EXPECT_TRUE(has(ended.err, "std::runtime_error: all at once")) << ended.err;
    EXPECT_TRUE(has(ended.out, "left 0")) << ended.out;
  }
}

void expect_exit(const Ended& ended, int asked, int got) {
  EXPECT_EQ(got, ended.status) << ended.err;
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "exit(" + std::to_string(asked) + ") was called while the job runs"))
      << ended.err;
}

TEST(Exit, OfOnePeIsAFailure) {
  for (int i = 0; i < kTimes; ++i) {
    expect_exit(run({"exits", "0", "--lamellar-num-pes", "3"}), 0, 1);
    expect_exit(run({"exits", "5", "--lamellar-num-pes", "3"}), 5, 5);
  }
  expect_exit(run({"exits_alone", "0"}), 0, 1);
  expect_exit(run({"exits_alone", "5"}), 5, 5);
}

TEST(Exit, InsideAMessageIsAFailure) {
  for (const std::string threads : {"LAMELLAR_THREADS=1", "LAMELLAR_THREADS=3"}) {
    expect_exit(run({"exits_in_exec", "0", "--lamellar-num-pes", "2"}, {threads}), 0, 1);
    expect_exit(run({"exits_in_exec", "5", "--lamellar-num-pes", "2"}, {threads}), 5, 5);
  }
}

TEST(Exit, AfterTheJobIsNone) {
  const Ended ended = run({"exits_afterwards", "--lamellar-num-pes", "2"});
  EXPECT_EQ(4, ended.status);
  EXPECT_EQ("", ended.err);
}

TEST(WorldAfterItsEnd, EveryCallNamesIt) {
  const Ended ended = run({"world_afterwards", "--lamellar-num-pes", "2"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_EQ("", ended.err);
  EXPECT_FALSE(has(ended.out, "returned")) << ended.out;
  EXPECT_FALSE(has(ended.out, "something else")) << ended.out;
  EXPECT_EQ(15u, count(ended.out, ": WorldEnded first\n")) << ended.out;
  EXPECT_TRUE(has(ended.out, "PE 0 of 2, world first\n")) << ended.out;
}

TEST(DroppedHandle, WarnsWithTheLine) {
  const std::pair<const char*, const char*> kinds[] = {{"plain", "dropped handle"},
                                                       {"moved", "moved handle"},
                                                       {"all", "dropped all"},
                                                       {"local", "dropped local"},
                                                       {"barrier", "dropped barrier"}};
  for (const auto& [how, mark] : kinds) {
    const Ended ended = run({"dropped_handle", how});
    EXPECT_EQ(0, ended.status) << how;
    EXPECT_EQ("end\n", ended.out);
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    EXPECT_TRUE(has(ended.err, "programs/" + line_of("failure.cpp", mark) + " was dropped"))
        << ended.err;
  }
}

TEST(DroppedHandle, StrictAborts) {
  const Ended ended = run({"dropped_handle", "plain"}, {"LAMELLAR_STRICT=1"});
  EXPECT_EQ(128 + SIGABRT, ended.status);
  EXPECT_TRUE(has(ended.err, line_of("failure.cpp", "dropped handle"))) << ended.err;
  EXPECT_EQ("", ended.out);
}

TEST(DroppedHandle, SilentWhileAnExceptionUnwinds) {
  for (const char* strict : {"0", "1"}) {
    const Ended ended =
        run({"dropped_handle", "unwinding"}, {std::string("LAMELLAR_STRICT=") + strict});
    EXPECT_EQ(0, ended.status);
    EXPECT_EQ("caught\nend\n", ended.out);
    EXPECT_EQ("", ended.err);
  }
}

TEST(DroppedHandle, ARefusedCallIsNoDroppedHandle) {
  const Ended ended = run({"dropped_handle", "refused"}, {"LAMELLAR_STRICT=1"});
  EXPECT_EQ(0, ended.status);
  EXPECT_EQ("", ended.err);
  EXPECT_TRUE(has(ended.out, "exec_am_pe")) << ended.out;
}

TEST(DroppedHandle, TheWarningCanBeSwitchedOff) {
  const Ended ended =
      run({"dropped_handle", "plain"}, {"LAMELLAR_DROPPED_UNUSED_HANDLE_WARNING=0"});
  EXPECT_EQ(0, ended.status);
  EXPECT_EQ("", ended.err);
  EXPECT_EQ("end\n", ended.out);
}

}  // namespace
}  // namespace process_tests

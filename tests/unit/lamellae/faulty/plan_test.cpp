// What LAMELLAR_FAULTS may say, and what is said about what it may not.
#include "lamellae/faulty/plan.hpp"

#include <gtest/gtest.h>

#include <lamellar/error.hpp>

namespace lamellar::lamellae {
namespace {

TEST(FaultPlan, IsWhatTheTextSays) {
  const FaultPlan plan =
      parse_faults("delay=0.1:50us,reorder=0.05,refuse=0.2,slow_poll=0.3,kill=2@1000");
  EXPECT_EQ(plan.delay, 0.1);
  EXPECT_EQ(plan.delay_ns, 50'000u);
  EXPECT_EQ(plan.reorder, 0.05);
  EXPECT_EQ(plan.refuse, 0.2);
  EXPECT_EQ(plan.slow_poll, 0.3);
  EXPECT_EQ(plan.slow_poll_ns, 0u);
  EXPECT_EQ(plan.kill_pe, 2u);
  EXPECT_EQ(plan.kill_after, 1000u);
  EXPECT_FALSE(plan.empty());
}

TEST(FaultPlan, WithoutTextThereIsNone) {
  EXPECT_TRUE(parse_faults("").empty());
  EXPECT_TRUE(parse_faults("delay=0:1s,reorder=0,refuse=0,slow_poll=0:1s").empty());
  for (const char* const one :
       {"delay=1e-9:1s", "reorder=1", "refuse=0.5", "slow_poll=0.5", "kill=0@1"})
    EXPECT_FALSE(parse_faults(one).empty()) << one;
}

TEST(FaultPlan, TimesHaveUnits) {
  EXPECT_EQ(parse_faults("delay=1:1ns").delay_ns, 1u);
  EXPECT_EQ(parse_faults("delay=1:2.5us").delay_ns, 2500u);
  EXPECT_EQ(parse_faults("delay=1:3ms").delay_ns, 3'000'000u);
  EXPECT_EQ(parse_faults("delay=1:3600s").delay_ns, 3'600'000'000'000u);
  EXPECT_EQ(parse_faults("slow_poll=0.5:7us").slow_poll_ns, 7000u);
}

std::string complaint(const std::string& text) {
  try {
    parse_faults(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(FaultPlan, SaysWhatIsWrongWithWhichItem) {
  const struct {
    const char* text;
    const char* item;
    const char* why;
  } cases[] = {
      {"delay", "'delay'", "no value"},
      {"dealy=0.1:1us", "'dealy=0.1:1us'", "no fault 'dealy'"},
      {"reorder=0.1,,refuse=0.1", "''", "no value"},
      {"reorder=0.1,", "''", "nothing behind the last comma"},
      {",reorder=0.1", "''", "no value"},
      {"refuse=0.1,refuse=0.2", "'refuse=0.2'", "refuse is there twice"},
      {"delay=0.1", "'delay=0.1'", "how long at most"},
      {"delay=2:1us", "'delay=2:1us'", "'2' is no probability"},
      {"delay=-0.1:1us", "'delay=-0.1:1us'", "'-0.1' is no probability"},
      {"delay=nan:1us", "'delay=nan:1us'", "'nan' is no probability"},
      {"delay=:1us", "'delay=:1us'", "'' is no probability"},
      {"delay=0.1:", "'delay=0.1:'", "'' is no time"},
      {"delay=0.1:50", "'delay=0.1:50'", "'50' is no time"},
      {"delay=0.1:us", "'delay=0.1:us'", "'us' is no time"},
      {"delay=0.1:1min", "'delay=0.1:1min'", "'1min' is no time"},
      {"delay=0.1:-1us", "'delay=0.1:-1us'", "'-1us' is no time"},
      {"delay=0.1:0ns", "'delay=0.1:0ns'", "0ns is not between 1ns and 3600s"},
      {"delay=0.1:3601s", "'delay=0.1:3601s'", "3601s is not between 1ns and 3600s"},
      {"reorder=0.1:1us", "'reorder=0.1:1us'", "'0.1:1us' is no probability"},
      {"refuse=1", "'refuse=1'", "nothing would ever arrive"},
      {"slow_poll=1", "'slow_poll=1'", "nothing would ever arrive"},
      {"slow_poll=0.1:x", "'slow_poll=0.1:x'", "'x' is no time"},
      {"kill=2", "'kill=2'", "after how many sends"},
      {"kill=@7", "'kill=@7'", "'' is no number of a PE"},
      {"kill=-1@7", "'kill=-1@7'", "'-1' is no number of a PE"},
      {"kill=4294967296@7", "'kill=4294967296@7'", "'4294967296' is no number of a PE"},
      {"kill=2@", "'kill=2@'", "'' is no number of sends"},
      {"kill=2@0", "'kill=2@0'", "'0' is no number of sends"},
      {"loss=0.1", "'loss=0.1'", "capability 'unreliable'"},
      {"duplicate=0.1", "'duplicate=0.1'", "capability 'unreliable'"},
      {"corrupt=0.1", "'corrupt=0.1'", "capability 'unreliable'"},
  };
  for (const auto& one : cases) {
    const std::string text = complaint(one.text);
    EXPECT_EQ(text.find(std::string("LAMELLAR_FAULTS: ") + one.item), 0u)
        << one.text << ": " << text;
    EXPECT_NE(text.find(one.why), std::string::npos) << one.text << ": " << text;
    EXPECT_NE(text.find("understood are"), std::string::npos) << text;
  }
}

TEST(FaultPlan, KillsOnlyPesThatThereAre) {
  const FaultPlan plan = parse_faults("kill=2@1000");
  EXPECT_NO_THROW(check_faults(plan, 3));
  EXPECT_NO_THROW(check_faults(parse_faults("reorder=0.5"), 1));
  try {
    check_faults(plan, 2);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("'kill=2@1000': there is no PE 2 in a job of 2 PEs, "
                                             "which are 0 to 1"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace lamellar::lamellae

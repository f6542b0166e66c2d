#include "base/log/log.hpp"

#include <gtest/gtest.h>

#include "base/core/assert.hpp"
#include "support/captured_log.hpp"

namespace lamellar::base {
namespace {

using testing_support::CapturedLog;

TEST(Log, TheLineHasPeLevelAndText) {
  CapturedLog log;
  set_current_pe_for_log(1);
  LAMELLAR_LOG_WARN("frame {} of {}", 3, "x");
  set_current_pe_for_log(-1);
  LAMELLAR_LOG_ERROR("plain");
  EXPECT_EQ(log.text(), "[lamellar PE 1] warn: frame 3 of x\n[lamellar] error: plain\n");
}

TEST(Log, EveryLineOfAMessageHasThePrefix) {
  CapturedLog log;
  LAMELLAR_LOG_INFO("a\nb\n");
  log_text(LogLevel::kInfo, "");
  EXPECT_EQ(log.text(), "[lamellar] info: a\n[lamellar] info: b\n[lamellar] info: \n");
}

TEST(Log, WhatIsBelowTheLevelIsNotEvenEvaluated) {
  CapturedLog log(LogLevel::kWarn);
  int evaluated = 0;
  LAMELLAR_LOG_INFO("{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  EXPECT_EQ(log.text(), "");
  set_log_level(LogLevel::kInfo);
  LAMELLAR_LOG_INFO("{}", ++evaluated);
  LAMELLAR_LOG_DEBUG("{}", ++evaluated);
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(log.text(), "[lamellar] info: 1\n");
}

TEST(Log, LevelsHaveTheNamesOfTheSetting) {
  for (const char* name : {"error", "warn", "info", "debug", "trace"}) {
    ASSERT_TRUE(find_log_level(name)) << name;
    EXPECT_STREQ(log_level_name(*find_log_level(name)), name);
  }
  EXPECT_FALSE(find_log_level("loud"));
}

TEST(Log, GoesToStderrWithoutASink) {
  EXPECT_EQ(set_log_sink(nullptr), nullptr);
  ::testing::internal::CaptureStderr();
  LAMELLAR_LOG_ERROR("to stderr");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "[lamellar] error: to stderr\n");
}

}  // namespace
}  // namespace lamellar::base

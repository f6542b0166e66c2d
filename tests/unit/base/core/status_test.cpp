#include "base/core/status.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <lamellar/error.hpp>

namespace lamellar::base {
namespace {

template <class E>
void expect_raises(StatusKind kind) {
  EXPECT_THROW(Status(kind, "why", 2).or_throw(), E) << status_kind_name(kind);
}

TEST(Status, OkNeitherThrowsNorHasAMessage) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_NO_THROW(status.or_throw());
  EXPECT_EQ(status.message(), "");
  EXPECT_TRUE(status.with_context("reading").ok());
}

TEST(Status, EveryKindRaisesItsException) {
  expect_raises<ConfigError>(StatusKind::kConfig);
  expect_raises<LaunchError>(StatusKind::kLaunch);
  expect_raises<WouldDeadlock>(StatusKind::kDeadlock);
  expect_raises<PeerFailed>(StatusKind::kPeerFailed);
  expect_raises<JobFailed>(StatusKind::kJobFailed);
  expect_raises<WorldEnded>(StatusKind::kWorldEnded);
  expect_raises<DecodeError>(StatusKind::kDecode);
  expect_raises<Unsupported>(StatusKind::kUnsupported);
  expect_raises<Error>(StatusKind::kOther);
}

TEST(Status, ContextGoesInFront) {
  const Status status = Status(StatusKind::kDecode, "3 bytes left").with_context("frame 7");
  EXPECT_EQ(status.message(), "frame 7: 3 bytes left");
  EXPECT_EQ(status.kind(), StatusKind::kDecode);
}

TEST(Result, HoldsAValueOrAStatus) {
  Result<std::unique_ptr<int>> good(std::make_unique<int>(4));
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(good.status().ok());
  EXPECT_EQ(*std::move(good).value_or_throw(), 4);

  Result<std::unique_ptr<int>> bad(Status(StatusKind::kLaunch, "no peers"));
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().message(), "no peers");
  EXPECT_THROW((void)std::move(bad).value_or_throw(), LaunchError);
}

TEST(Result, AnOkStatusIsNotAValue) {
  const Result<int> result{Status()};
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().kind(), StatusKind::kOther);
}

}  // namespace
}  // namespace lamellar::base

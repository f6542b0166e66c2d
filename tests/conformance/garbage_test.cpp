// Frames that are not of this job, or contradict themselves, are dropped and counted.
#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;

class Bytes final : public lamellae::FrameSink {
 public:
  void on_chunk(const lamellae::Chunk& chunk) noexcept override { got += chunk.to - chunk.from; }
  std::uint64_t got = 0;
};

constexpr Damage kDamages[] = {Damage::kMagic,         Damage::kVersion,     Damage::kNonce,
                               Damage::kUnknownSource, Damage::kOtherSource, Damage::kLane,
                               Damage::kLength};

void commit(const OpenFrame& frame, std::uint32_t to) {
  frame.committed->store(to, std::memory_order_release);
}

TEST_P(Conformance, GarbageIsRefusedAndCounted) {
  if (!GetParam().damage) GTEST_SKIP() << "frames cannot be damaged from above";
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  std::vector<Bytes> sinks(2);
  const auto settle = [&] {
    poll_until(*job, sinks, [&] { return sender.in_flight(1, Lane::kRequest) == 0; });
  };
  std::uint64_t refused = 0;
  for (const Damage damage : kDamages) {
    SCOPED_TRACE(testing::Message() << "damage " << static_cast<int>(damage));
    OpenFrame frame;
    ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
    commit(frame, 100);
    GetParam().damage(sender, frame, damage);
    sender.seal(frame);
    settle();
    EXPECT_EQ(sinks[1].got, 0u);
    EXPECT_EQ(job->at(1).counters().frames_refused, ++refused);
    EXPECT_EQ(job->at(1).counters().frames_received, 0u);
    EXPECT_EQ(job->at(1).counters().bytes_received, 0u);
  }
  // What comes after it is read again, in the same frames too.
  for (std::uint32_t i = 1; i <= 8; ++i) {
    OpenFrame frame;
    ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
    commit(frame, 10);
    sender.seal(frame);
    settle();
    EXPECT_EQ(sinks[1].got, 10u * i);
  }
  EXPECT_EQ(job->at(1).counters().frames_refused, refused);
}

TEST_P(Conformance, GarbageStaysRefusedWhenItGoesOn) {
  if (!GetParam().damage) GTEST_SKIP() << "frames cannot be damaged from above";
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  std::vector<Bytes> sinks(2);
  OpenFrame frame;
  ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
  commit(frame, 100);
  GetParam().damage(sender, frame, Damage::kNonce);
  sender.publish(frame.ref);
  poll_until(*job, sinks, [&] { return job->at(1).counters().frames_refused == 1; });
  commit(frame, 200);
  sender.publish(frame.ref);
  while (job->at(1).poll(sinks[1])) {
  }
  commit(frame, 300);
  sender.seal(frame);
  poll_until(*job, sinks, [&] { return sender.in_flight(1, Lane::kRequest) == 0; });
  EXPECT_EQ(sinks[1].got, 0u);
  EXPECT_EQ(job->at(1).counters().frames_refused, 1u);
}

TEST_P(Conformance, GarbageLengthInTheMiddleEndsTheFrame) {
  if (!GetParam().damage) GTEST_SKIP() << "frames cannot be damaged from above";
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  std::vector<Bytes> sinks(2);
  OpenFrame frame;
  ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
  commit(frame, 100);
  sender.publish(frame.ref);
  poll_until(*job, sinks, [&] { return sinks[1].got == 100; });
  GetParam().damage(sender, frame, Damage::kLength);
  sender.publish(frame.ref);
  poll_until(*job, sinks, [&] { return job->at(1).counters().frames_refused == 1; });
  commit(frame, 120);
  sender.seal(frame);
  poll_until(*job, sinks, [&] { return sender.in_flight(1, Lane::kRequest) == 0; });
  EXPECT_EQ(sinks[1].got, 100u);
  EXPECT_EQ(job->at(1).counters().frames_refused, 1u);
  EXPECT_EQ(free_frames(sender, 1, Lane::kRequest), sender.frames(Lane::kRequest));
}

}  // namespace
}  // namespace lamellar::conformance

// A PE that takes no requests just now: replies come all the same, requests later, whole and once.
#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;
using lamellae::Take;

// How many frames of each lane came, by what is written in them.
class Lanes final : public lamellae::FrameSink {
 public:
  void on_chunk(const lamellae::Chunk& chunk) noexcept override {
    const std::size_t lane = static_cast<std::size_t>(chunk.lane);
    for (std::uint32_t i = chunk.from; i < chunk.to; ++i)
      EXPECT_EQ(chunk.payload[i], static_cast<std::byte>(lane + 1));
    bytes[lane] += chunk.to - chunk.from;
  }
  std::uint64_t bytes[lamellae::kLanes] = {0, 0};
  std::uint64_t requests() const { return bytes[0]; }
  std::uint64_t replies() const { return bytes[1]; }
};

// Sends as many frames of `lane` as there is credit for; their bytes.
std::uint64_t send_all(Lamella& sender, Pe destination, Lane lane) {
  std::uint64_t bytes = 0;
  const auto mark = static_cast<int>(lane) + 1;
  for (OpenFrame frame; open_frame(sender, destination, lane, frame);) {
    std::memset(frame.payload, mark, frame.capacity);
    frame.committed->store(frame.capacity / 2, std::memory_order_release);
    if (bytes % 3 == 0) sender.publish(frame.ref);
    frame.committed->store(frame.capacity, std::memory_order_release);
    sender.seal(frame);
    bytes += frame.capacity;
  }
  return bytes;
}

TEST_P(Conformance, RepliesComeWhileRequestsWait) {
  // The second: more requests than what a network lends at once.
  for (const Shape shape : {Shape{.pes = 2, .frame_bytes = 1024, .pool = 8},
                            Shape{.pes = 2, .frame_bytes = 16 << 10, .pool = 128}}) {
    const auto job = make(shape);
    Lamella& sender = job->at(0);
    Lamella& receiver = job->at(1);
    Lanes lanes;
    Nobody nobody;
    for (int round = 0; round < 3; ++round) {
      lanes = {};
      const std::uint64_t requests = send_all(sender, 1, Lane::kRequest);
      const std::uint64_t replies = send_all(sender, 1, Lane::kReply);
      ASSERT_NE(0u, requests);
      ASSERT_NE(0u, replies);
      const auto until = [&](Take take, const auto& done) {
        while (!done()) {
          const bool any = receiver.poll(lanes, take);
          if (!sender.poll(nobody) && !any) base::yield_thread();
        }
      };
      // All replies, and their credit.
      until(Take::kReplies, [&] {
        return lanes.replies() == replies && sender.in_flight(1, Lane::kReply) == 0;
      });
      EXPECT_EQ(0u, lanes.requests());
      OpenFrame frame;
      EXPECT_FALSE(sender.try_open(1, Lane::kRequest, frame)) << "requests keep their credit";
      until(Take::kAll, [&] {
        return lanes.requests() == requests && sender.in_flight(1, Lane::kRequest) == 0;
      });
      EXPECT_EQ(replies, lanes.replies());
    }
  }
}

// Who takes replies only may sleep while requests wait.
TEST_P(Conformance, RequestsThatWaitDoNotKeepAwake) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 8});
  Lamella& sender = job->at(0);
  Lamella& receiver = job->at(1);
  Lanes lanes;
  Nobody nobody;
  const std::uint64_t requests = send_all(sender, 1, Lane::kRequest);
  while (!receiver.has_incoming()) sender.poll(nobody);
  bool silent = false;
  for (int look = 0; look < 100'000 && !silent; ++look) {
    receiver.poll(lanes, Take::kReplies);
    sender.poll(nobody);
    silent = !receiver.has_incoming(Take::kReplies);
  }
  EXPECT_TRUE(silent);
  EXPECT_EQ(0u, lanes.requests());
  while (lanes.requests() != requests) {
    receiver.poll(lanes);
    sender.poll(nobody);
  }
}

// The same for slots: a request in one waits there.
TEST_P(Conformance, EagerRequestsWaitToo) {
  if (!GetParam().eager) return;
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 8});
  Lamella& sender = job->at(0);
  Lamella& receiver = job->at(1);
  Lanes lanes;
  Nobody nobody;
  const auto post = [&](Lane lane) {
    Lamella::EagerRoom room;
    if (!claim_eager(sender, 1, room)) return false;
    std::memset(room.bytes, static_cast<int>(lane) + 1, 16);
    sender.post_eager(1, lane, 16);
    return true;
  };
  ASSERT_TRUE(post(Lane::kRequest));
  while (!receiver.has_incoming()) base::yield_thread();  // faulty may delay it
  for (int i = 0; i < 100; ++i) receiver.poll(lanes, Take::kReplies);
  EXPECT_EQ(0u, lanes.requests());
  EXPECT_FALSE(receiver.has_incoming(Take::kReplies));
  while (lanes.requests() != 16) receiver.poll(lanes);
  ASSERT_TRUE(post(Lane::kReply));
  while (lanes.replies() != 16) receiver.poll(lanes, Take::kReplies);
}

}  // namespace
}  // namespace lamellar::conformance

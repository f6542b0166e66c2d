// What publish() and seal() promise about an open frame, step by step on one thread.
#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Chunk;
using lamellae::FrameRef;
using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;

struct Piece {
  std::uint32_t from, to, seen;  // seen: pieces of this frame before, by the frame's own state
  bool operator==(const Piece&) const = default;
};
void PrintTo(const Piece& p, std::ostream* out) {
  *out << "[" << p.from << ", " << p.to << ") after " << p.seen;
}

class Pieces final : public lamellae::FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    got.push_back({chunk.from, chunk.to, chunk.state->body++});
  }
  std::vector<Piece> got;
};

// One frame from PE 0 to PE 1, open from the start.
struct Pair {
  explicit Pair(std::unique_ptr<Endpoints> endpoints) : job(std::move(endpoints)), sinks(2) {
    EXPECT_TRUE(open_frame(sender(), 1, Lane::kRequest, frame));
  }
  Lamella& sender() { return job->at(0); }
  Lamella& receiver() { return job->at(1); }
  void commit(std::uint32_t to) { frame.committed->store(to, std::memory_order_release); }
  // Takes in what there is; until `pieces` have come.
  void receive(std::size_t pieces) {
    poll_until(*job, sinks, [&] { return sinks[1].got.size() >= pieces; });
    while (receiver().poll(sinks[1])) {
    }
  }
  void settle() {
    poll_until(*job, sinks, [&] { return sender().in_flight(1, Lane::kRequest) == 0; });
  }
  std::vector<Piece>& got() { return sinks[1].got; }

  std::unique_ptr<Endpoints> job;
  std::vector<Pieces> sinks;
  OpenFrame frame;
};

constexpr Shape kSmall{.pes = 2, .frame_bytes = 1024, .pool = 4};

TEST_P(Conformance, PrefixesContinueWhereTheyStopped) {
  Pair t(make(kSmall));
  t.commit(10);
  t.sender().publish(t.frame.ref);
  t.receive(1);
  t.commit(20);
  t.commit(35);
  t.sender().publish(t.frame.ref);
  t.receive(2);
  t.commit(100);
  t.sender().seal(t.frame);
  t.settle();
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 10, 0}, {10, 35, 1}, {35, 100, 2}}));
  EXPECT_EQ(t.receiver().counters().chunks_received, 3u);
  EXPECT_EQ(t.receiver().counters().frames_received, 1u);
}

TEST_P(Conformance, PrefixesPublishedTwiceBeforeTheyAreReadComeOnce) {
  Pair t(make(kSmall));
  t.commit(10);
  t.sender().publish(t.frame.ref);
  t.commit(20);
  t.sender().publish(t.frame.ref);
  t.sender().publish(t.frame.ref);
  t.receive(1);
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 20, 0}}));
  t.commit(24);
  t.sender().publish(t.frame.ref);
  t.commit(32);
  t.sender().seal(t.frame);
  t.settle();
  if (GetParam().network && t.got().size() == 3)  // it may have left before the rest was there
    EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 20, 0}, {20, 24, 1}, {24, 32, 2}}));
  else
    EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 20, 0}, {20, 32, 1}}));
}

TEST_P(Conformance, PrefixesWithNothingNewHandNothingOver) {
  Pair t(make(kSmall));
  t.sender().publish(t.frame.ref);
  EXPECT_EQ(t.sender().counters().frames_handed_over, 0u);
  t.commit(8);
  t.sender().publish(t.frame.ref);
  t.receive(1);
  const auto handed_over = t.sender().counters().frames_handed_over;
  t.sender().publish(t.frame.ref);
  t.sender().publish(t.frame.ref);
  EXPECT_EQ(t.sender().counters().frames_handed_over, handed_over);
  EXPECT_TRUE(falls_silent(t.receiver(), GetParam().network));
  t.commit(16);
  t.sender().publish(t.frame.ref);
  t.receive(2);
  t.sender().seal(t.frame);
  t.settle();
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 8, 0}, {8, 16, 1}}));
}

TEST_P(Conformance, PrefixesSealAfterPublishWithNothingNewGivesTheFrameBack) {
  Pair t(make(kSmall));
  t.commit(64);
  t.sender().publish(t.frame.ref);
  t.receive(1);
  EXPECT_EQ(t.sender().in_flight(1, Lane::kRequest), 1u);
  t.sender().seal(t.frame);
  t.settle();
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 64, 0}}));
  EXPECT_EQ(t.receiver().counters().frames_received, 1u);
}

TEST_P(Conformance, PrefixesSealWhileThePrefixIsUnreadComesOnce) {
  Pair t(make(kSmall));
  t.commit(64);
  t.sender().publish(t.frame.ref);
  t.sender().seal(t.frame);
  t.settle();
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 64, 0}}));
}

TEST_P(Conformance, PrefixesOfAnEarlierLifeHaveNoEffect) {
  Pair t(make(kSmall));
  const FrameRef stale = t.frame.ref;
  t.commit(8);
  t.sender().seal(t.frame);
  t.sender().publish(stale);
  t.settle();
  t.sender().publish(stale);
  const auto handed_over = t.sender().counters().frames_handed_over;
  // Every frame of the lane in a new life, the old one among them.
  std::vector<OpenFrame> open;
  for (OpenFrame frame; open_frame(t.sender(), 1, Lane::kRequest, frame); open.push_back(frame)) {
    frame.committed->store(16, std::memory_order_release);
    EXPECT_FALSE(frame.ref.index == stale.index && frame.ref.life == stale.life);
  }
  t.sender().publish(stale);
  EXPECT_EQ(t.sender().counters().frames_handed_over, handed_over);
  EXPECT_TRUE(falls_silent(t.receiver(), GetParam().network));
  for (const OpenFrame& frame : open) t.sender().seal(frame);
  t.settle();
  EXPECT_EQ(t.got().size(), 1 + open.size());
}

TEST_P(Conformance, PrefixesOfADiscardedFrameHaveNoEffect) {
  Pair t(make(kSmall));
  const FrameRef stale = t.frame.ref;
  t.sender().discard(t.frame);
  t.sender().publish(stale);
  EXPECT_EQ(t.sender().in_flight(1, Lane::kRequest), 0u);
  ASSERT_TRUE(open_frame(t.sender(), 1, Lane::kRequest, t.frame));
  t.commit(8);
  t.sender().publish(stale);
  EXPECT_TRUE(falls_silent(t.receiver(), GetParam().network));
  t.sender().seal(t.frame);
  t.settle();
  EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 8, 0}}));
}

TEST_P(Conformance, PrefixesStartAnewInARecycledFrame) {
  Pair t(make(kSmall));
  for (std::uint32_t life = 0; life < 10; ++life) {
    t.got().clear();
    t.commit(8 + life);
    t.sender().publish(t.frame.ref);
    t.receive(1);
    t.commit(40 + life);
    t.sender().seal(t.frame);
    t.settle();
    EXPECT_EQ(t.got(), (std::vector<Piece>{{0, 8 + life, 0}, {8 + life, 40 + life, 1}}));
    ASSERT_TRUE(open_frame(t.sender(), 1, Lane::kRequest, t.frame));
    EXPECT_EQ(t.frame.committed->load(), 0u);
  }
  t.sender().discard(t.frame);
}

}  // namespace
}  // namespace lamellar::conformance

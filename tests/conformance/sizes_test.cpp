// Payloads of every size around every threshold, as single frames and as sequences of frames.
#include <algorithm>

#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Chunk;
using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;

// Puts the pieces of one frame together.
class OneFrame final : public lamellae::FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    in_order = in_order && chunk.from == bytes.size() && chunk.to > chunk.from;
    source = chunk.source;
    lane = chunk.lane;
    aligned = aligned && reinterpret_cast<std::uintptr_t>(chunk.payload) % 8 == 0;
    bytes.insert(bytes.end(), chunk.payload + chunk.from, chunk.payload + chunk.to);
  }
  std::vector<std::byte> bytes;
  Pe source = ~Pe{0};
  Lane lane = Lane::kRequest;
  bool in_order = true;
  bool aligned = true;
};

// One frame of `size` bytes from PE 0 to PE 1, in `pieces` committed and published one by one.
void send_one(Endpoints& job, Lane lane, std::uint32_t size, std::uint32_t pieces) {
  SCOPED_TRACE(testing::Message() << "size " << size << " in " << pieces << " pieces");
  Lamella& sender = job.at(0);
  const auto before = job.at(1).counters();
  OpenFrame frame;
  ASSERT_TRUE(open_frame(sender, 1, lane, frame));
  ASSERT_EQ(frame.capacity, sender.frame_capacity());
  write_pattern(frame.payload, size, size + pieces);
  std::vector<OneFrame> sinks(job.size());
  for (std::uint32_t p = 1; p <= pieces; ++p) {
    const std::uint32_t to = static_cast<std::uint32_t>(std::uint64_t{size} * p / pieces);
    frame.committed->store(to, std::memory_order_release);
    if (p == pieces) break;
    sender.publish(frame.ref);
    poll_until(job, sinks, [&] { return sinks[1].bytes.size() == to; });
  }
  sender.seal(frame);
  poll_until(job, sinks, [&] { return sender.in_flight(1, lane) == 0; });
  OneFrame& got = sinks[1];
  ASSERT_EQ(got.bytes.size(), size);
  EXPECT_TRUE(is_pattern(got.bytes.data(), size, size + pieces));
  EXPECT_TRUE(got.in_order);
  EXPECT_TRUE(got.aligned);
  if (size != 0) {
    EXPECT_EQ(got.source, 0u);
    EXPECT_EQ(got.lane, lane);
  }
  const auto after = job.at(1).counters();
  EXPECT_EQ(after.frames_received - before.frames_received, 1u);
  EXPECT_EQ(after.bytes_received - before.bytes_received, size);
}

TEST_P(Conformance, FramesOfAllSizesArriveWhole) {
  for (const std::uint32_t frame_bytes : {1024u, 4096u, 65536u}) {
    const auto job = make({.pes = 2, .frame_bytes = frame_bytes, .pool = 4});
    const std::uint32_t capacity = job->at(0).frame_capacity();
    EXPECT_GT(capacity, std::min(frame_bytes, GetParam().largest_frame) / 2);
    std::vector<std::uint32_t> sizes{0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129};
    for (const std::uint32_t end : {capacity / 2, capacity})
      for (const std::uint32_t less : {65u, 64u, 63u, 9u, 8u, 7u, 2u, 1u, 0u})
        sizes.push_back(end - less);
    for (const std::uint32_t size : sizes)
      for (const Lane lane : {Lane::kRequest, Lane::kReply})
        for (const std::uint32_t pieces : {1u, 2u, 5u}) send_one(*job, lane, size, pieces);
    EXPECT_EQ(job->at(1).counters().frames_refused, 0u);
    if (GetParam().by_reference) {
      EXPECT_EQ(job->at(0).counters().bytes_copied + job->at(1).counters().bytes_copied, 0u);
    }
  }
}

// Upper layers cut what does not fit: pieces that say where they belong.
struct PieceHead {
  std::uint64_t total = 0;
  std::uint64_t offset = 0;
};

class Message final : public lamellae::FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    PieceHead head;
    std::memcpy(&head, chunk.payload, sizeof head);
    bytes.resize(head.total);
    const std::size_t length = chunk.to - sizeof head;
    whole_frames = whole_frames && chunk.from == 0 && head.offset + length <= head.total;
    if (whole_frames)
      std::memcpy(bytes.data() + head.offset, chunk.payload + sizeof head, length);
    arrived += length;
    ++pieces;
  }
  std::vector<std::byte> bytes;
  std::uint64_t arrived = 0;
  std::uint64_t pieces = 0;
  bool whole_frames = true;
};

void send_message(Endpoints& job, std::uint64_t size) {
  SCOPED_TRACE(testing::Message() << "size " << size);
  std::vector<std::byte> bytes(size);
  write_pattern(bytes.data(), size, size);
  Lamella& sender = job.at(0);
  std::vector<Message> sinks(job.size());
  std::uint64_t sent = 0;
  std::uint64_t pieces = 0;
  do {
    OpenFrame frame;
    poll_until(job, sinks, [&] { return sender.try_open(1, Lane::kRequest, frame); });
    const PieceHead head{size, sent};
    const std::uint64_t length = std::min(size - sent, frame.capacity - sizeof head);
    std::memcpy(frame.payload, &head, sizeof head);
    std::memcpy(frame.payload + sizeof head, bytes.data() + sent, length);
    frame.committed->store(static_cast<std::uint32_t>(sizeof head + length),
                           std::memory_order_release);
    sender.seal(frame);
    sent += length;
    ++pieces;
  } while (sent < size);
  poll_until(job, sinks, [&] { return sinks[1].arrived == size && sinks[1].pieces == pieces; });
  EXPECT_TRUE(sinks[1].whole_frames);
  EXPECT_EQ(sinks[1].bytes, bytes);
}

TEST_P(Conformance, MessagesUpToAMebibyteAsSequencesOfFrames) {
  for (const std::uint32_t frame_bytes : {1024u, 16384u}) {
    const auto job = make({.pes = 2, .frame_bytes = frame_bytes, .pool = 4});
    const std::uint64_t room = job->at(0).frame_capacity() - sizeof(PieceHead);
    constexpr std::uint64_t kKib = 1024;
    for (const std::uint64_t around : {kKib / 16, room, 2 * room, 3 * room, 64 * kKib,
                                       1024 * kKib})
      for (const std::int64_t more : {-1, 0, 1})
        send_message(*job, around + static_cast<std::uint64_t>(more));
  }
}

}  // namespace
}  // namespace lamellar::conformance

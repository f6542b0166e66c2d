// The frame machinery over blocks that are poisoned and moved: PEs exchange bytes, never objects.
#include "lamellae/frames/frame_lamella.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <set>
#include <string>

namespace lamellar::lamellae {
namespace {

std::byte* map(std::size_t bytes) {
  void* const at =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(at, MAP_FAILED);
  return static_cast<std::byte*>(at);
}

// Keeps what arrives as text.
class Text final : public FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    got.append(reinterpret_cast<const char*>(chunk.payload + chunk.from), chunk.to - chunk.from);
    payload = chunk.payload;
  }
  std::string got;
  const std::byte* payload = nullptr;  // of the frame that came last
};

class Frames : public testing::Test {
 protected:
  void build(Pe pes, std::uint32_t frame_bytes, std::uint32_t pool) {
    shape_ = BlockShape::of(pes, frame_bytes, pool, 0x1234567890abcdefu);
    for (Pe pe = 0; pe < pes; ++pe) {
      blocks_.push_back(map(Block::bytes(shape_)));
      Block::construct(blocks_.back(), shape_);
    }
    for (Pe pe = 0; pe < pes; ++pe)
      lamellae_.push_back(
          std::make_unique<FrameLamella>(pe, shape_, blocks_, base::FutexScope::kProcess));
  }
  void TearDown() override {
    for (std::byte* block : blocks_) munmap(block, Block::bytes(shape_));
  }
  // The block of `pe` now lies elsewhere; where it was, nothing is.
  void move(Pe pe) {
    std::byte* const to = map(Block::bytes(shape_));
    std::memcpy(static_cast<void*>(to), blocks_[pe], Block::bytes(shape_));
    munmap(blocks_[pe], Block::bytes(shape_));
    blocks_[pe] = to;
    for (auto& lamella : lamellae_) lamella->rebase(pe, to);
  }
  FrameLamella& at(Pe pe) { return *lamellae_[pe]; }
  OpenFrame open(Pe from, Pe to, Lane lane = Lane::kRequest) {
    OpenFrame frame;
    EXPECT_TRUE(at(from).try_open(to, lane, frame));
    return frame;
  }
  static void write(OpenFrame& frame, const std::string& text) {
    const std::uint32_t used = frame.committed->load();
    std::memcpy(frame.payload + used, text.data(), text.size());
    frame.committed->store(used + static_cast<std::uint32_t>(text.size()),
                           std::memory_order_release);
  }
  std::string receive(Pe pe) {
    Text text;
    while (at(pe).poll(text)) {
    }
    return text.got;
  }

  BlockShape shape_;
  std::vector<std::byte*> blocks_;
  std::vector<std::unique_ptr<FrameLamella>> lamellae_;
};

TEST_F(Frames, OpenUntilTheBitmapIsEmpty) {
  build(2, 128, 300);
  for (int round = 0; round < 3; ++round) {
    std::set<std::uint32_t> indices;
    std::vector<OpenFrame> frames;
    for (const Lane lane : {Lane::kRequest, Lane::kReply}) {
      std::uint32_t count = 0;
      for (OpenFrame frame; at(0).try_open(1, lane, frame); ++count) {
        EXPECT_EQ(frame.payload, Block(blocks_[0], shape_).payload(frame.ref.index));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.payload) % 32, 0u);
        EXPECT_EQ(frame.ref.index < shape_.frames[0], lane == Lane::kRequest);
        indices.insert(frame.ref.index);
        frames.push_back(frame);
      }
      EXPECT_EQ(count, at(0).frames(lane));
    }
    EXPECT_EQ(indices.size(), 300u);
    for (OpenFrame& frame : frames) {
      if (frame.ref.index % 2 == 0) {
        at(0).discard(frame);
        continue;
      }
      write(frame, "x");
      at(0).seal(frame);
    }
    EXPECT_EQ(receive(1).size(), 150u);
    EXPECT_EQ(at(0).in_flight(1, Lane::kRequest) + at(0).in_flight(1, Lane::kReply), 0u);
  }
}

TEST_F(Frames, LaneCreditsAreSharedByDestinations) {
  build(4, 128, 16);
  // 12 request frames, 6 for one destination at most.
  EXPECT_EQ(at(0).credits(Lane::kRequest), 6u);
  std::vector<OpenFrame> frames;
  for (Pe to = 0; to < 4; ++to)
    for (OpenFrame frame; at(0).try_open(to, Lane::kRequest, frame);) frames.push_back(frame);
  EXPECT_EQ(frames.size(), 12u);
  EXPECT_EQ(at(0).in_flight(0, Lane::kRequest), 6u);
  EXPECT_EQ(at(0).in_flight(1, Lane::kRequest), 6u);
  EXPECT_EQ(at(0).in_flight(2, Lane::kRequest), 0u) << "a failed try leaves no trace";
  EXPECT_EQ(at(0).counters().frames_opened, 12u);
  for (const OpenFrame& frame : frames) at(0).discard(frame);
}

TEST_F(Frames, AreNewestFirstInTheInboxAndOldestFirstForTheReader) {
  build(3, 256, 8);
  std::string sent;
  for (const char* text : {"one ", "two ", "three "}) {
    OpenFrame frame = open(0, 2, sent.empty() ? Lane::kReply : Lane::kRequest);
    write(frame, text);
    at(0).seal(frame);
    sent += text;
  }
  OpenFrame last = open(1, 2);
  write(last, "four");
  at(1).seal(last);
  EXPECT_TRUE(at(2).has_incoming());
  Text text;
  EXPECT_TRUE(at(2).poll(text));
  EXPECT_EQ(text.got, "one ") << "one frame for each poll";
  EXPECT_TRUE(at(2).has_incoming()) << "what was taken and not read yet counts too";
  EXPECT_EQ(text.got + receive(2), sent + "four");
  EXPECT_FALSE(at(2).has_incoming());
}

TEST_F(Frames, ArriveWhereTheirSenderWroteThem) {
  build(2, 256, 4);
  OpenFrame frame = open(0, 1);
  write(frame, "here");
  at(0).seal(frame);
  Text text;
  EXPECT_TRUE(at(1).poll(text));
  EXPECT_EQ(text.payload, frame.payload);
  EXPECT_EQ(at(1).counters().bytes_copied, 0u);
}

TEST_F(Frames, ArePoisonedWhenTheyWereRead) {
  build(2, 256, 4);
  at(1).poison_consumed_frames(true);
  for (int round = 0; round < 6; ++round) {
    OpenFrame frame = open(0, 1);
    write(frame, "first ");
    at(0).publish(frame.ref);
    EXPECT_EQ(receive(1), "first ");
    EXPECT_EQ(std::memcmp(frame.payload, "first ", 6), 0) << "not while the frame is open";
    write(frame, "second");
    at(0).seal(frame);
    EXPECT_EQ(receive(1), "second");
    const Block block(blocks_[0], shape_);
    for (std::uint32_t i = 0; i < shape_.frame_bytes; ++i)
      ASSERT_EQ(block.frame(frame.ref.index)[i], std::byte{0xdd}) << "byte " << i;
  }
  EXPECT_EQ(at(1).counters().frames_refused, 0u);
}

TEST_F(Frames, ArriveFromAMovedBlock) {
  build(2, 256, 4);
  OpenFrame request = open(0, 1);
  OpenFrame reply = open(0, 1, Lane::kReply);
  write(request, "sealed, ");
  write(reply, "published");
  at(0).seal(request);
  at(0).publish(reply.ref);
  move(0);
  EXPECT_EQ(receive(1), "publishedsealed, ");  // replies first
  EXPECT_EQ(at(0).in_flight(1, Lane::kRequest), 0u);
  move(0);
  // The open frame goes on at its new place.
  reply.payload = Block(blocks_[0], shape_).payload(reply.ref.index);
  reply.committed = &Block(blocks_[0], shape_).control(reply.ref.index).committed;
  write(reply, " and the rest");
  at(0).seal(reply);
  EXPECT_EQ(receive(1), " and the rest");
  EXPECT_EQ(at(0).in_flight(1, Lane::kReply), 0u);
}

TEST_F(Frames, ArriveInAMovedBlock) {
  build(3, 256, 8);
  for (int round = 0; round < 8; ++round) {
    std::string sent;
    for (const Pe from : {0u, 1u, 2u}) {
      OpenFrame frame = open(from, 2);
      const std::string text = "from " + std::to_string(from) + ";";
      write(frame, text);
      at(from).seal(frame);
      sent += text;
    }
    move(2);                      // the inbox has all three
    Text text;
    EXPECT_TRUE(at(2).poll(text));  // takes all, reads one
    move(0);
    move(2);
    EXPECT_EQ(text.got + receive(2), sent);
    for (const Pe from : {0u, 1u, 2u}) EXPECT_EQ(at(from).in_flight(2, Lane::kRequest), 0u);
  }
}

TEST_F(Frames, GrowWhenEveryFrameWithMemoryIsInUse) {
  build(1, 128, 200);
  const Block block(blocks_[0], shape_);
  // As if only two of each lane had memory.
  for (const Lane lane : {Lane::kRequest, Lane::kReply}) {
    for (std::uint32_t w = 0; w < words_for(at(0).frames(lane)); ++w) block.free_words(lane)[w] = 0;
    block.release_frames(lane, 0, 2);
  }
  std::vector<OpenFrame> frames;
  const auto open_all = [&] {
    for (OpenFrame frame; at(0).try_open(0, Lane::kRequest, frame);) frames.push_back(frame);
  };
  open_all();
  EXPECT_EQ(frames.size(), 2u) << "nobody said how to grow";
  std::size_t end = block.frame_offset(2);
  int left = 2;
  at(0).grow_with([&](std::size_t offset, std::size_t bytes) {
    EXPECT_EQ(offset, end);
    EXPECT_EQ(bytes % shape_.frame_bytes, 0u);
    if (left-- == 0) return false;
    end += bytes;
    return true;
  });
  open_all();
  EXPECT_EQ(frames.size(), 2 + (end - block.frame_offset(2)) / shape_.frame_bytes);
  EXPECT_GT(frames.size(), 2u);
  EXPECT_EQ(at(0).in_flight(0, Lane::kRequest), frames.size());
  left = 1000;
  open_all();
  EXPECT_EQ(frames.size(), at(0).frames(Lane::kRequest));
  for (const OpenFrame& frame : frames) at(0).discard(frame);
}

TEST_F(Frames, TellAllPesOfOneFailure) {
  build(3, 128, 4);
  for (Pe pe = 0; pe < 3; ++pe) EXPECT_EQ(at(pe).failure(), nullptr);
  EXPECT_TRUE(at(2).announce_failure(2, "the reason", {}));
  EXPECT_FALSE(at(0).announce_failure(0, "another reason", {}));
  EXPECT_FALSE(at(2).announce_failure(2, "the reason", {}));
  for (Pe pe = 0; pe < 3; ++pe) {
    ASSERT_NE(at(pe).failure(), nullptr);
    EXPECT_EQ(at(pe).failure()->pe, 2u);
    EXPECT_EQ(std::string(at(pe).failure()->text, at(pe).failure()->length), "the reason");
  }
}

TEST_F(Frames, TellWhoHasDeparted) {
  build(3, 128, 4);
  for (Pe pe = 0; pe < 3; ++pe) EXPECT_FALSE(at(0).has_departed(pe));
  at(1).depart();
  for (const Pe who : {0u, 1u, 2u}) {
    EXPECT_FALSE(at(who).has_departed(0));
    EXPECT_TRUE(at(who).has_departed(1));
    EXPECT_FALSE(at(who).has_departed(2));
  }
}

TEST_F(Frames, CutLongReasons) {
  build(1, 128, 4);
  EXPECT_TRUE(at(0).announce_failure(0, std::string(10000, 'x'), {}));
  EXPECT_EQ(at(0).failure()->length, FailureNote::kLongest);
}

}  // namespace
}  // namespace lamellar::lamellae

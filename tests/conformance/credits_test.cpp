// Frames are borrowed: how many there are, and that they come back.
#include <set>

#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;

constexpr Lane kBoth[] = {Lane::kRequest, Lane::kReply};

std::vector<OpenFrame> open_all(Lamella& sender, Pe destination, Lane lane) {
  std::vector<OpenFrame> open;
  for (OpenFrame frame; open_frame(sender, destination, lane, frame);) open.push_back(frame);
  return open;
}

void come_back(Endpoints& job, Pe destination, Lane lane) {
  std::vector<Nobody> sinks(job.size());
  poll_until(job, sinks, [&] { return job.at(0).in_flight(destination, lane) == 0; });
}

TEST_P(Conformance, CreditsAreWithinTheFramesOfTheLane) {
  for (const Pe pes : {1u, 2u, 3u, 5u})
    for (const std::uint32_t pool : {4u, 5u, 8u, 40u, 300u}) {
      const auto job = make({.pes = pes, .frame_bytes = 1024, .pool = pool});
      Lamella& sender = job->at(0);
      EXPECT_EQ(sender.frames(Lane::kRequest) + sender.frames(Lane::kReply), pool);
      for (const Lane lane : kBoth) {
        const auto open = open_all(sender, pes - 1, lane);
        EXPECT_GE(open.size(), 1u);
        EXPECT_LE(open.size(), sender.frames(lane));
        if (pes > 2 && sender.frames(lane) > 1) {
          // One destination does not get them all.
          EXPECT_LT(open.size(), sender.frames(lane));
          EXPECT_GE(free_frames(sender, 0, lane), 1u);
        }
        EXPECT_EQ(sender.in_flight(pes - 1, lane), open.size());
        for (const OpenFrame& frame : open) sender.discard(frame);
        EXPECT_EQ(sender.in_flight(pes - 1, lane), 0u);
      }
    }
}

TEST_P(Conformance, OpenFramesDoNotOverlap) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 200});
  Lamella& sender = job->at(0);
  std::set<std::byte*> starts;
  std::vector<OpenFrame> all;
  for (const Lane lane : kBoth)
    for (const OpenFrame& frame : open_all(sender, 1, lane)) {
      starts.insert(frame.payload);
      all.push_back(frame);
      std::memset(frame.payload, static_cast<int>(all.size()), frame.capacity);
    }
  EXPECT_EQ(starts.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::uint32_t at = 0; at < all[i].capacity; ++at)
      ASSERT_EQ(all[i].payload[at], static_cast<std::byte>(i + 1)) << "frame " << i;
  for (const OpenFrame& frame : all) sender.discard(frame);
}

TEST_P(Conformance, CreditsComeBackWhenFramesAreRead) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 8});
  Lamella& sender = job->at(0);
  for (int round = 0; round < 5; ++round)
    for (const Lane lane : kBoth) {
      const auto open = open_all(sender, 1, lane);
      std::uint32_t number = 0;
      for (const OpenFrame& frame : open) {
        frame.committed->store(number++ % 3, std::memory_order_release);  // empty ones too
        sender.seal(frame);
      }
      OpenFrame frame;
      EXPECT_FALSE(sender.try_open(1, lane, frame));
      come_back(*job, 1, lane);
      EXPECT_EQ(free_frames(sender, 1, lane), open.size());
    }
  EXPECT_EQ(job->at(1).counters().frames_refused, 0u);
}

TEST_P(Conformance, CreditsOfLanesAreIndependent) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  const std::uint32_t replies = free_frames(sender, 1, Lane::kReply);
  const auto requests = open_all(sender, 1, Lane::kRequest);
  EXPECT_EQ(free_frames(sender, 1, Lane::kReply), replies);
  for (const OpenFrame& frame : requests) {
    frame.committed->store(1, std::memory_order_release);
    sender.seal(frame);
  }
  EXPECT_EQ(free_frames(sender, 1, Lane::kReply), replies);
  const auto answers = open_all(sender, 1, Lane::kReply);
  come_back(*job, 1, Lane::kRequest);
  EXPECT_EQ(free_frames(sender, 1, Lane::kRequest), requests.size());
  EXPECT_EQ(sender.in_flight(1, Lane::kReply), answers.size());
  for (const OpenFrame& frame : answers) sender.discard(frame);
}

TEST_P(Conformance, WhoWantsFramesIsRungWhenOneComesBack) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  const auto open = open_all(sender, 1, Lane::kRequest);
  std::atomic<bool> got_one{false};
  std::thread waits([&] {
    OpenFrame frame;
    bool opened = false;
    sender.want_frames(true);
    while (!opened)
      sleep_unless(sender, [&] { return opened = sender.try_open(1, Lane::kRequest, frame); });
    sender.want_frames(false);
    sender.discard(frame);
    got_one.store(true);
  });
  while (sender.counters().sleeps == 0) std::this_thread::yield();
  EXPECT_FALSE(got_one.load());
  expect_events(sender.counters().wake_ups, 0);
  open[0].committed->store(1, std::memory_order_release);
  sender.seal(open[0]);
  std::vector<Nobody> sinks(2);
  poll_until(*job, sinks, [&] { return got_one.load(); });
  waits.join();
  expect_events(sender.counters().wake_ups, 1);
  expect_events(sender.counters().sleeps, 1);
  for (std::size_t i = 1; i < open.size(); ++i) sender.discard(open[i]);
}

TEST_P(Conformance, WhoWantsNoFramesIsNotRung) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& sender = job->at(0);
  std::atomic<bool> stop{false};
  std::thread sleeps([&] {
    while (!stop.load()) sleep_unless(sender, [&] { return stop.load(); });
  });
  while (sender.counters().sleeps == 0) std::this_thread::yield();
  OpenFrame frame;
  ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
  frame.committed->store(1, std::memory_order_release);
  sender.seal(frame);
  Nobody sink;
  poll_until_back(sender, job->at(1), sink);
  expect_events(sender.counters().wake_ups, 0);
  stop.store(true);
  sender.doorbell().notify(INT32_MAX, sender.doorbell_scope());
  sleeps.join();
}

}  // namespace
}  // namespace lamellar::conformance

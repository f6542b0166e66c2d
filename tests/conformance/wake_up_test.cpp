// A sleeping PE wakes when bytes arrive, by one event.
#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using lamellae::OpenFrame;

class CountBytes final : public lamellae::FrameSink {
 public:
  void on_chunk(const lamellae::Chunk& chunk) noexcept override {
    bytes.fetch_add(chunk.to - chunk.from);
  }
  std::atomic<std::uint64_t> bytes{0};
};

// Sleeps on the doorbell of `receiver` between frames until it has `wanted` bytes.
std::thread sleeper(Lamella& receiver, CountBytes& sink, std::uint64_t wanted) {
  return std::thread([&receiver, &sink, wanted] {
    while (sink.bytes.load() < wanted)
      if (!receiver.poll(sink)) sleep_unless(receiver, [] { return false; });
  });
}

void wait_for_sleeps(Lamella& receiver, std::uint64_t count) {
  while (receiver.counters().sleeps < count) std::this_thread::yield();
}

TEST_P(Conformance, AFrameWakesASleepingPeOnce) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& receiver = job->at(1);
  CountBytes sink;
  std::thread thread = sleeper(receiver, sink, 10);
  for (std::uint32_t i = 1; i <= 10; ++i) {
    wait_for_sleeps(receiver, i);
    expect_events(receiver.counters().wake_ups, i - 1);
    OpenFrame frame;
    while (!job->at(0).try_open(1, Lane::kRequest, frame)) std::this_thread::yield();
    frame.committed->store(1, std::memory_order_release);
    job->at(0).seal(frame);
    while (sink.bytes.load() < i) std::this_thread::yield();
    expect_events(receiver.counters().wake_ups, i);
  }
  thread.join();
  expect_events(receiver.counters().sleeps, 10);
  EXPECT_EQ(receiver.counters().frames_received, 10u);
}

TEST_P(Conformance, APublishedPrefixWakesASleepingPe) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& receiver = job->at(1);
  CountBytes sink;
  std::thread thread = sleeper(receiver, sink, 3);
  OpenFrame frame;
  ASSERT_TRUE(open_frame(job->at(0), 1, Lane::kRequest, frame));
  for (std::uint32_t i = 1; i <= 3; ++i) {
    wait_for_sleeps(receiver, i);
    frame.committed->store(i, std::memory_order_release);
    expect_events(receiver.counters().wake_ups, i - 1);
    job->at(0).publish(frame.ref);
    while (sink.bytes.load() < i) std::this_thread::yield();
  }
  thread.join();
  expect_events(receiver.counters().wake_ups, 3);
  job->at(0).seal(frame);
}

TEST_P(Conformance, APeThatIsAwakeIsNotRung) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  CountBytes sink;
  for (std::uint32_t i = 1; i <= 100; ++i) {
    OpenFrame frame;
    ASSERT_TRUE(open_frame(job->at(0), 1, Lane::kRequest, frame));
    frame.committed->store(1, std::memory_order_release);
    job->at(0).seal(frame);
    poll_until_back(job->at(0), job->at(1), sink);
    EXPECT_EQ(sink.bytes.load(), i);
  }
  EXPECT_EQ(job->at(1).counters().wake_ups, 0u);
  EXPECT_EQ(job->at(1).counters().sleeps, 0u);
}

TEST_P(Conformance, SleepersArePassedOnToWhatIsLeft) {
  // Three threads of PE 1 sleep; a handful of frames at once must not be left to the first of them
  // if it is busy: its sink ends only when the other frames have come too.
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 8});
  Lamella& receiver = job->at(1);
  class Meeting final : public lamellae::FrameSink {
   public:
    void on_chunk(const lamellae::Chunk&) noexcept override {
      here.fetch_add(1);
      while (here.load() < 3) std::this_thread::yield();
    }
    std::atomic<int> here{0};
  } sink;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop.load())
        if (!receiver.poll(sink)) sleep_unless(receiver, [&] { return stop.load(); });
    });
  wait_for_sleeps(receiver, 3);
  for (int i = 0; i < 3; ++i) {
    OpenFrame frame;
    ASSERT_TRUE(open_frame(job->at(0), 1, Lane::kRequest, frame));
    frame.committed->store(1, std::memory_order_release);
    job->at(0).seal(frame);
  }
  Nobody nobody;
  while (job->at(0).in_flight(1, Lane::kRequest) != 0) job->at(0).poll(nobody);
  EXPECT_EQ(sink.here.load(), 3);
  stop.store(true);
  receiver.doorbell().notify(INT32_MAX, receiver.doorbell_scope());
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace lamellar::conformance

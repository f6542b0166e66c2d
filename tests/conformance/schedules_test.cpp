// Small races under schedules drawn from seeds: every switch between threads is at a hook of base,
// and a wake-up that gets lost shows as "every thread sleeps".
#include "base/clock/rng.hpp"
#include "base/clock/thread.hpp"
#include "conformance/traffic.hpp"
#include "support/seeds.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using testing_support::for_seeds;

// The shape of the race depends on the seed too.
TEST_P(Conformance, SchedulesOfOwnerPublisherAndReceivers) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(150, [&](std::uint64_t seed) {
    const Shape shape{.pes = 2, .frame_bytes = seed % 2 == 0 ? 256u : 2048u, .pool = 4};
    run_traffic(GetParam(), shape,
                {.route = [](Pe from, Pe to) { return from == 0 && to == 1; },
                 .records = 20,
                 .largest = 48,
                 .receivers = static_cast<unsigned>(1 + seed % 3),
                 .publisher = true,
                 .seed = seed});
  });
}

TEST_P(Conformance, SchedulesOfBothWaysUnderFourFrames) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(100, [&](std::uint64_t seed) {
    run_traffic(GetParam(), {.pes = 2, .frame_bytes = 256, .pool = 4},
                {.records = 12,
                 .senders = static_cast<unsigned>(1 + seed % 2),
                 .receivers = static_cast<unsigned>(seed / 2 % 2),
                 .publisher = seed % 3 == 0,
                 .seed = seed});
  });
}

TEST_P(Conformance, SchedulesOfThreeToOne) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(50, [&](std::uint64_t seed) {
    run_traffic(GetParam(), {.pes = 4, .frame_bytes = 512, .pool = 4},
                {.route = [](Pe from, Pe to) { return from != 0 && to == 0; },
                 .records = 12,
                 .receivers = 2,
                 .seed = seed});
  });
}

// More wait for frames of their lane than for credits.
TEST_P(Conformance, SchedulesOfAllToAll) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(40, [&](std::uint64_t seed) {
    run_traffic(GetParam(), {.pes = 3 + static_cast<Pe>(seed % 2),
                             .frame_bytes = 256,
                             .pool = 4 + static_cast<std::uint32_t>(seed % 3) * 6},
                {.records = 8,
                 .senders = static_cast<unsigned>(1 + seed % 2),
                 .receivers = static_cast<unsigned>(seed / 2 % 2),
                 .seed = seed});
  });
}

// One frame after the other: the owner publishes and seals at once while another thread publishes
// every reference it has ever seen, and two threads receive.
TEST_P(Conformance, SchedulesOfOneFrame) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(300, [&](std::uint64_t seed) {
    const auto job = make({.pes = 2, .frame_bytes = 256, .pool = 4});
    constexpr std::uint64_t kRecords = 12;
    Ledger ledger({kRecords, 0});
    Lamella& sender = job->at(0);
    Lamella& receiver = job->at(1);
    std::atomic<bool> sent{false};
    std::vector<std::atomic<std::uint64_t>> refs(64);
    std::atomic<std::size_t> known{0};
    base::Rng rng(seed);
    {
      base::Thread publisher("publisher", [&] {
        base::Rng mine(seed + 1);
        // Not for ever, and not always: what got lost must not be rescued.
        for (int look = 0; look < 300 && seed % 2 == 0 && !sent.load(); ++look) {
          if (const std::size_t count = known.load(); count != 0) {
            // The newest mostly.
            const std::uint64_t packed =
                refs[mine.next() % 3 == 0 ? mine.next() % count : count - 1].load();
            sender.publish({static_cast<std::uint32_t>(packed),
                            static_cast<std::uint32_t>(packed >> 32)});
          }
          base::yield_thread();
        }
      });
      std::atomic<bool> stop{false};
      const auto receive = [&] {
        while (!stop.load() || receiver.has_incoming())
          if (!receiver.poll(ledger)) sleep_unless(receiver, [&] { return stop.load(); });
      };
      base::Thread first("receiver", receive);
      base::Thread second("receiver", receive);
      std::uint64_t number = 0;
      while (number < kRecords) {
        lamellae::OpenFrame frame;
        while (!sender.try_open(1, Lane::kRequest, frame)) base::yield_thread();
        refs[known.load()].store(std::uint64_t{frame.ref.life} << 32 | frame.ref.index);
        known.fetch_add(1);
        const std::uint64_t last = std::min(kRecords, number + 1 + rng.next() % 4);
        for (std::uint32_t at = 0; number < last; ++number) {
          write_record(frame.payload + at, kSmallestRecord + 8, 0, number);
          at += kSmallestRecord + 8;
          frame.committed->store(at, std::memory_order_release);
          base::sim_point();
          if (rng.next() % 2 == 0) sender.publish(frame.ref);
          base::sim_point();
        }
        // What is published arrives, also when nothing more is ever done with the frame.
        if (rng.next() % 2 == 0) {
          sender.publish(frame.ref);
          ledger.wait_until(kRecords - number);
        }
        sender.seal(frame);
      }
      ledger.wait();
      sent.store(true);
      publisher.join();
      stop.store(true);
      receiver.doorbell().notify(INT32_MAX, receiver.doorbell_scope());
    }
    EXPECT_EQ(ledger.complaint(), "");
    EXPECT_EQ(ledger.left(), 0u);
    if (GetParam().network) poll_until_back(sender, receiver, ledger);
    EXPECT_EQ(sender.in_flight(1, Lane::kRequest), 0u);
    EXPECT_EQ(receiver.counters().frames_received, sender.counters().frames_opened);
    EXPECT_FALSE(receiver.has_incoming());
  });
}

// Two publish the same frame at once: it is handed over once for what is new in it, never for
// nothing, since that would wake a PE.
TEST_P(Conformance, SchedulesOfTwoPublishers) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(300, [&](std::uint64_t) {
    const auto job = make({.pes = 2, .frame_bytes = 512, .pool = 4});
    constexpr std::uint64_t kRecords = 6;
    Ledger ledger({kRecords, 0});
    Lamella& sender = job->at(0);
    Lamella& receiver = job->at(1);
    lamellae::OpenFrame frame;
    ASSERT_TRUE(open_frame(sender, 1, Lane::kRequest, frame));
    std::atomic<bool> sent{false};
    int for_nothing = 0;
    {
      base::Thread publisher("publisher", [&] {
        for (int look = 0; look < 300 && !sent.load(); ++look) {
          sender.publish(frame.ref);
          base::yield_thread();
        }
      });
      base::Thread reader("receiver", [&] {
        while (!ledger.complete()) {
          const std::uint64_t before = ledger.chunks();
          if (receiver.poll(ledger))
            for_nothing += ledger.chunks() == before ? 1 : 0;
          else
            sleep_unless(receiver, [&] { return ledger.complete(); });
        }
      });
      for (std::uint64_t number = 0; number < kRecords; ++number) {
        const auto at = static_cast<std::uint32_t>(number * (kSmallestRecord + 8));
        write_record(frame.payload + at, kSmallestRecord + 8, 0, number);
        frame.committed->store(at + kSmallestRecord + 8, std::memory_order_release);
        base::sim_point();
        sender.publish(frame.ref);
        ledger.wait_until(kRecords - 1 - number);
      }
      sent.store(true);
    }
    EXPECT_EQ(ledger.complaint(), "");
    EXPECT_EQ(for_nothing, 0);
    sender.seal(frame);
    while (receiver.poll(ledger)) {
    }
    if (GetParam().network) poll_until_back(sender, receiver, ledger);
    EXPECT_EQ(sender.in_flight(1, Lane::kRequest), 0u);
  });
}

// Frames that lie there when nobody sleeps yet: all receivers get one, however long each takes.
TEST_P(Conformance, SchedulesOfReceiversThatShareAnInbox) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  class Meeting final : public lamellae::FrameSink {
   public:
    void on_chunk(const lamellae::Chunk&) noexcept override {
      here.fetch_add(1);
      base::futex_wake(here, INT32_MAX);
      for (std::uint32_t now = here.load(); now < 3; now = here.load()) base::futex_wait(here, now);
    }
    std::atomic<std::uint32_t> here{0};
  };
  for_seeds(200, [&](std::uint64_t) {
    const auto job = make({.pes = 2, .frame_bytes = 256, .pool = 8});
    Lamella& receiver = job->at(1);
    for (int i = 0; i < 3; ++i) {
      lamellae::OpenFrame frame;
      ASSERT_TRUE(open_frame(job->at(0), 1, Lane::kRequest, frame));
      frame.committed->store(1, std::memory_order_release);
      job->at(0).seal(frame);
    }
    Meeting sink;
    std::atomic<bool> stop{false};
    const auto receive = [&] {
      while (!stop.load())
        if (!receiver.poll(sink)) sleep_unless(receiver, [&] { return stop.load(); });
    };
    base::Thread first("receiver", receive);
    base::Thread second("receiver", receive);
    base::Thread third("receiver", receive);
    for (std::uint32_t now = sink.here.load(); now < 3; now = sink.here.load())
      base::futex_wait(sink.here, now);
    stop.store(true);
    receiver.doorbell().notify(INT32_MAX, receiver.doorbell_scope());
  });
}

}  // namespace
}  // namespace lamellar::conformance

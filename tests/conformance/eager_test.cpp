// Small records in eager slots: whole, once, and never two in one slot.
#include <thread>

#include "base/clock/rng.hpp"
#include "base/clock/thread.hpp"
#include "conformance/traffic.hpp"
#include "support/seeds.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Lamella;
using lamellae::Lane;
using testing_support::for_seeds;
using Room = Lamella::EagerRoom;

// False when the slot is in use.
bool send_eager(Lamella& via, Pe destination, std::uint64_t number,
                std::uint32_t size = kSmallestRecord) {
  Room room;
  if (!claim_eager(via, destination, room)) return false;
  write_record(room.bytes, size, via.my_pe(), number);
  via.post_eager(destination, number % 2 == 0 ? Lane::kRequest : Lane::kReply, size);
  return true;
}

TEST_P(Conformance, ASlotIsUsedAgainWhenItsRecordWasTaken) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Room room;
  const bool has = claim_eager(job->at(0), 1, room);
  EXPECT_EQ(has, GetParam().eager);
  if (!has) return;
  EXPECT_GE(room.capacity, 48u);
  Room second;
  EXPECT_FALSE(job->at(0).try_claim_eager(1, second));  // it is being written
  job->at(0).unclaim_eager(1);
  EXPECT_FALSE(job->at(1).has_incoming());

  Ledger ledger({100, 0});
  for (std::uint32_t number = 0; number < 100; ++number) {
    ASSERT_TRUE(send_eager(job->at(0), 1, number, kSmallestRecord + number % 80));
    EXPECT_FALSE(send_eager(job->at(0), 1, number)) << "it has not been taken";
    if (!GetParam().network) {
      ASSERT_TRUE(job->at(1).has_incoming());
    }
    while (!job->at(1).poll(ledger)) base::yield_thread();
    EXPECT_FALSE(job->at(1).has_incoming());
  }
  EXPECT_EQ(ledger.complaint(), "");
  EXPECT_TRUE(ledger.complete());
  EXPECT_EQ(job->at(1).counters().eager_received, 100u);
  EXPECT_EQ(job->at(1).counters().bytes_received, ledger.bytes());
  EXPECT_EQ(job->at(1).counters().bytes_copied, ledger.bytes());
  EXPECT_EQ(job->at(0).counters().frames_opened, 0u);
}

TEST_P(Conformance, AnEagerRecordWakesASleepingPe) {
  if (!GetParam().eager) return;
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 4});
  Lamella& receiver = job->at(1);
  Ledger ledger({10, 0});
  std::thread thread([&] {
    while (!ledger.complete())
      if (!receiver.poll(ledger)) sleep_unless(receiver, [] { return false; });
  });
  for (std::uint64_t number = 0; number < 10; ++number) {
    while (receiver.counters().sleeps <= number) std::this_thread::yield();
    expect_events(receiver.counters().wake_ups, number);
    while (!send_eager(job->at(0), 1, number)) std::this_thread::yield();
    ledger.wait_until(9 - number);
  }
  thread.join();
  EXPECT_EQ(ledger.complaint(), "");
  expect_events(receiver.counters().wake_ups, 10);
}

// PEs 0 and 1 send each other records, two threads each, in a slot where it is free, else in a
// frame, while two threads of each receive.
void both_ways(Endpoints& job, std::uint64_t records, std::uint64_t seed) {
  std::vector<std::unique_ptr<Ledger>> ledgers;
  ledgers.push_back(std::make_unique<Ledger>(std::vector<std::uint64_t>{0, 2 * records}));
  ledgers.push_back(std::make_unique<Ledger>(std::vector<std::uint64_t>{2 * records, 0}));
  std::atomic<bool> stop{false};
  {
    std::vector<std::unique_ptr<base::Thread>> threads;
    std::vector<std::unique_ptr<base::Thread>> receivers;
    for (unsigned i = 0; i < 4; ++i) {
      const Pe pe = i % 2;
      receivers.push_back(std::make_unique<base::Thread>("receiver", [&, pe] {
        Lamella& mine = job.at(pe);
        while (!stop.load())
          if (!mine.poll(*ledgers[pe])) sleep_unless(mine, [&] { return stop.load(); });
      }));
      threads.push_back(std::make_unique<base::Thread>("sender", [&, i, pe] {
        base::Rng rng(seed * 4 + i);
        Writer writer(job.at(pe), 1 - pe);
        for (std::uint64_t n = 0; n < records; ++n) {
          const std::uint64_t number = i / 2 * records + n;
          const auto size = kSmallestRecord + static_cast<std::uint32_t>(rng.next() % 80);
          if (rng.next() % 4 != 0 && send_eager(job.at(pe), 1 - pe, number, size)) continue;
          while (!writer.append(size, number)) base::yield_thread();
          if (rng.next() % 4 == 0) writer.seal();
        }
        writer.seal();
      }));
    }
    threads.clear();
    for (const auto& ledger : ledgers) ledger->wait();
    stop.store(true);
    for (Pe pe = 0; pe < 2; ++pe)
      job.at(pe).doorbell().notify(INT32_MAX, job.at(pe).doorbell_scope());
  }
  for (Pe pe = 0; pe < 2; ++pe) {
    EXPECT_EQ(ledgers[pe]->complaint(), "");
    EXPECT_TRUE(falls_silent(job.at(pe), true));
  }
}

TEST_P(Conformance, EagerRecordsAndFramesBothWays) {
  const auto job = make({.pes = 2, .frame_bytes = 1024, .pool = 8});
  both_ways(*job, 20'000, 1);
  for (Pe pe = 0; pe < 2; ++pe)
    EXPECT_EQ(job->at(pe).counters().eager_received > 0, GetParam().eager);
}

TEST_P(Conformance, SchedulesOfEagerSlots) {
  if (!GetParam().simulated) GTEST_SKIP() << "waits outside of base";
  for_seeds(300, [&](std::uint64_t seed) {
    const auto job = make({.pes = 2, .frame_bytes = 256, .pool = 4});
    both_ways(*job, 6, seed);
  });
}

TEST_P(Conformance, ManyPesDoWithoutSlots) {
  Room room;
  const auto some = make({.pes = 16, .frame_bytes = 1024, .pool = 4});
  EXPECT_EQ(claim_eager(some->at(15), 0, room), GetParam().eager);
  const auto many = make({.pes = 17, .frame_bytes = 1024, .pool = 4});
  EXPECT_FALSE(many->at(16).try_claim_eager(0, room));
}

}  // namespace
}  // namespace lamellar::conformance

// What waits for credit: leaves in pieces as frames come back, and rings when it is through.
#include "engine/am/backlog.hpp"

#include <gtest/gtest.h>

#include "base/clock/futex.hpp"
#include "engine/am/assembly.hpp"
#include "lamellae/local/local_job.hpp"

namespace lamellar::engine {
namespace {

using lamellae::Lane;

constexpr std::uint32_t kWord = 0x77;

// The other PE: puts records together again.
struct Sink final : lamellae::FrameSink {
  void on_chunk(const lamellae::Chunk& chunk) noexcept override {
    bytes += chunk.to - chunk.from;
    std::uint32_t at = chunk.from;
    while (at < chunk.to) {
      wire::RunHeader run;
      std::memcpy(&run, chunk.payload + at, sizeof run);
      at += sizeof run;
      if (wire::kind_of(run.word) != wire::Kind::kFragment) {
        spilled += std::string(reinterpret_cast<const char*>(chunk.payload + at), chunk.to - at);
        return;
      }
      wire::FragmentHead head;
      std::memcpy(&head, chunk.payload + at, sizeof head);
      at += sizeof head;
      AssembledRecord whole;
      if (assembly.add(chunk.source, head, chunk.payload + at, whole) ==
          Assembly::Outcome::kComplete) {
        EXPECT_EQ(kWord, whole.word);
        records.emplace_back(whole.bytes.get(), whole.bytes.get() + whole.size);
      }
      at += head.length;
    }
  }
  std::uint64_t bytes = 0;
  Assembly assembly{Assembly::Limits{1 << 30, 1 << 30}};
  std::vector<std::vector<std::byte>> records;
  std::string spilled;
};

struct Pair {
  explicit Pair(std::uint32_t pool, SpillLimits limits = {})
      : job(std::make_shared<lamellae::LocalJob>(2, 1024, pool)),
        mine(job->lamella(0)),
        other(job->lamella(1)),
        backlog(*mine, limits) {}
  void deliver() {
    while (other->poll(sink)) {
    }
  }
  std::shared_ptr<lamellae::LocalJob> job;
  std::unique_ptr<lamellae::Lamella> mine, other;
  Backlog backlog;
  Sink sink;
};

std::vector<std::byte> record_of(std::size_t size) {
  std::vector<std::byte> record(size);
  for (std::size_t i = 0; i < size; ++i) record[i] = static_cast<std::byte>(i * 7 + i / 256);
  return record;
}

std::unique_ptr<detail::SpillFrame> spill_of(const std::string& text) {
  auto frame = std::make_unique<detail::SpillFrame>(900);
  const wire::RunHeader run{wire::word_of(0, wire::Kind::kDetached), 0};
  std::memcpy(frame->payload.get(), &run, sizeof run);
  std::memcpy(frame->payload.get() + sizeof run, text.data(), text.size());
  frame->length = static_cast<std::uint32_t>(sizeof run + text.size());
  return frame;
}

TEST(Backlog, EmptyHasNothingToDo) {
  Pair pair(4);
  EXPECT_TRUE(pair.backlog.empty());
  EXPECT_FALSE(pair.backlog.drain());
}

TEST(Backlog, ALargeRecordLeavesInPieces) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{900}, std::size_t{5000},
                                 std::size_t{100'000}}) {
    Pair pair(4);
    pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(size));
    EXPECT_EQ(1u, pair.backlog.large_pending(1));
    const std::uint64_t announced = pair.backlog.large_bytes_sent(1);
    int rounds = 0;
    for (; !pair.backlog.empty(); ++rounds) {
      EXPECT_TRUE(pair.backlog.drain());
      pair.deliver();
    }
    EXPECT_EQ(0u, pair.backlog.large_pending(1));
    EXPECT_EQ(pair.sink.bytes, announced);  // counted as sent from the beginning
    EXPECT_EQ(pair.sink.bytes, pair.backlog.large_bytes_sent(1));
    ASSERT_EQ(1u, pair.sink.records.size()) << size;
    EXPECT_EQ(record_of(size), pair.sink.records[0]);
    EXPECT_GE(rounds, static_cast<int>(size / 3000)) << "a pool of four frames";
  }
}

TEST(Backlog, LargeRepliesAreNotWaitedFor) {
  Pair pair(4);
  pair.backlog.add_large(1, Lane::kReply, kWord, record_of(50'000));
  EXPECT_EQ(0u, pair.backlog.large_pending(1));
  while (!pair.backlog.empty()) {
    EXPECT_EQ(0u, pair.backlog.large_pending(1));
    pair.backlog.drain();
    pair.deliver();
  }
  EXPECT_EQ(0u, pair.backlog.large_bytes_sent(1));
  ASSERT_EQ(1u, pair.sink.records.size());
}

// When its last bytes can be executed, a large record is pending no longer.
TEST(Backlog, NothingIsPendingOnceTheLastPieceCanArrive) {
  Pair pair(64);
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(20'000));
  std::atomic<bool> done{false};
  std::thread receiver([&] {
    while (pair.sink.records.empty()) pair.other->poll(pair.sink);
    EXPECT_EQ(0u, pair.backlog.large_pending(1));
    done = true;
  });
  while (!done.load()) pair.backlog.drain();
  receiver.join();
}

TEST(Backlog, WithoutCreditNothingMoves) {
  Pair pair(4);
  std::vector<lamellae::OpenFrame> taken;
  lamellae::OpenFrame frame;
  while (pair.mine->try_open(1, Lane::kRequest, frame)) taken.push_back(frame);
  ASSERT_FALSE(taken.empty());
  pair.backlog.add(1, Lane::kRequest, spill_of("waits"));
  EXPECT_FALSE(pair.backlog.drain());
  EXPECT_FALSE(pair.backlog.empty());
  for (const auto& open : taken) pair.mine->discard(open);
  EXPECT_TRUE(pair.backlog.drain());
  EXPECT_TRUE(pair.backlog.empty());
  pair.deliver();
  EXPECT_EQ("waits", pair.sink.spilled);
}

// All request credit to PE 1 is used up until this goes.
struct NoCredit {
  explicit NoCredit(lamellae::Lamella& lamella) : lamella(lamella) {
    lamellae::OpenFrame frame;
    while (lamella.try_open(1, Lane::kRequest, frame)) taken.push_back(frame);
  }
  ~NoCredit() {
    for (const auto& open : taken) lamella.discard(open);
  }
  lamellae::Lamella& lamella;
  std::vector<lamellae::OpenFrame> taken;
};

// At its end: the last reports of this PE found no credit, and nobody gives any back.
TEST(Backlog, WhatWaitsForOneThatHasDepartedIsDropped) {
  Pair pair(4);
  const NoCredit none(*pair.mine);
  pair.backlog.add(1, Lane::kRequest, spill_of("waits"));
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(5000));
  EXPECT_FALSE(pair.mine->has_departed(1));
  EXPECT_FALSE(pair.backlog.drain());
  EXPECT_FALSE(pair.backlog.empty());
  pair.other->depart();
  EXPECT_TRUE(pair.mine->has_departed(1));
  pair.backlog.drain();
  EXPECT_TRUE(pair.backlog.empty());
  EXPECT_EQ(0u, pair.backlog.held());
  pair.deliver();
  EXPECT_EQ("", pair.sink.spilled);
}

// Whoever holds them, frames count as long as they take memory, and short ones take little.
TEST(Backlog, WhatItHoldsIsCounted) {
  Pair pair(4);
  {
    const NoCredit none(*pair.mine);
    auto frame = pair.backlog.take_frame(1, Lane::kRequest);
    const std::uint64_t whole = pair.backlog.held();
    EXPECT_GE(whole, pair.mine->frame_capacity());
    pair.backlog.give_back(1, Lane::kRequest, *frame);
    EXPECT_EQ(0u, pair.backlog.held());

    frame = pair.backlog.take_frame(1, Lane::kRequest);
    frame->length = frame->capacity;
    pair.backlog.add(1, Lane::kRequest, std::move(frame));
    EXPECT_EQ(whole, pair.backlog.held());
    pair.backlog.add(1, Lane::kRequest, spill_of("short"));
    EXPECT_LT(pair.backlog.held(), whole + 200);
    pair.backlog.add_large(1, Lane::kReply, kWord, record_of(100'000));
    EXPECT_GE(pair.backlog.held(), whole + 100'000);
  }
  while (!pair.backlog.empty()) {
    pair.backlog.drain();
    pair.deliver();
  }
  EXPECT_EQ(0u, pair.backlog.held());
  EXPECT_GE(pair.backlog.most_held(), 100'000u);
}

TEST(Backlog, RecordsThatAreTooLargeToCountAreCountedApart) {
  SpillLimits limits;
  limits.largest_counted = 5000;
  Pair pair(4, limits);
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(5000));
  const std::uint64_t counted = pair.backlog.held();
  EXPECT_GE(counted, 5000u);
  EXPECT_EQ(0u, pair.backlog.uncounted());
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(5001));
  EXPECT_EQ(counted, pair.backlog.held());
  EXPECT_EQ(1u, pair.backlog.uncounted());
  pair.backlog.clear();
  EXPECT_EQ(0u, pair.backlog.held());
}

TEST(Backlog, LimitsTellRequestsFromReplies) {
  SpillLimits limits;
  limits.soft = 20'000;
  limits.hard = 60'000;
  Pair pair(4, limits);
  pair.backlog.add_large(1, Lane::kReply, kWord, record_of(15'000));
  EXPECT_FALSE(pair.backlog.full());
  EXPECT_FALSE(pair.backlog.full_of_replies());
  pair.backlog.add_large(1, Lane::kReply, kWord, record_of(15'000));
  EXPECT_TRUE(pair.backlog.full());
  EXPECT_TRUE(pair.backlog.full_of_replies());
  EXPECT_FALSE(pair.backlog.full_of_requests()) << "these leave in any case";
  EXPECT_EQ(1u, pair.backlog.times_full());
  EXPECT_TRUE(pair.backlog.has_room(25'000));
  EXPECT_FALSE(pair.backlog.has_room(35'000));
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(25'000));
  EXPECT_TRUE(pair.backlog.full_of_requests());
  const std::string text = pair.backlog.describe();
  EXPECT_NE(std::string::npos, text.find("LAMELLAR_SPILL_HARD allows 60000; 25128 of them are "
                                         "for PE 1")) << text;
  pair.backlog.clear();
}

// Who sleeps while requests wait for room must hear that there is some, or that there is none.
TEST(Backlog, RingsWhenItBecomesFullAndWhenItIsNoLonger) {
  SpillLimits limits;
  limits.soft = 4'000;
  Pair pair(4, limits);
  auto& doorbell = pair.mine->doorbell();
  const std::uint32_t before = doorbell.prepare();  // as if somebody slept
  pair.backlog.add(1, Lane::kRequest, spill_of("x"));
  EXPECT_EQ(before, doorbell.epoch.load());
  pair.backlog.add_large(1, Lane::kReply, kWord, record_of(5'000));
  const std::uint32_t full = doorbell.epoch.load();
  EXPECT_NE(before, full);
  pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(5'000));  // now of requests
  const std::uint32_t of_requests = doorbell.epoch.load();
  EXPECT_NE(full, of_requests);
  pair.backlog.drain();
  for (int i = 0; i < 3; ++i) {
    pair.deliver();
    pair.backlog.drain();
  }
  EXPECT_FALSE(pair.backlog.full());
  EXPECT_NE(of_requests, doorbell.epoch.load());
  doorbell.cancel();
}

TEST(Backlog, RepliesDoNotWaitForRequests) {
  Pair pair(4);
  std::vector<lamellae::OpenFrame> taken;
  lamellae::OpenFrame frame;
  while (pair.mine->try_open(1, Lane::kRequest, frame)) taken.push_back(frame);
  pair.backlog.add(1, Lane::kRequest, spill_of("request"));
  pair.backlog.add(1, Lane::kReply, spill_of("reply"));
  EXPECT_TRUE(pair.backlog.drain());
  pair.deliver();
  EXPECT_EQ("reply", pair.sink.spilled);
  EXPECT_FALSE(pair.backlog.empty());
  pair.backlog.clear();
  EXPECT_TRUE(pair.backlog.empty());
  for (const auto& open : taken) pair.mine->discard(open);
}

// Who sleeps until the backlog is through is woken by whoever got it through.
TEST(Backlog, RingsWhenItIsThrough) {
  for (int i = 0; i < 20; ++i) {
    Pair pair(4);
    pair.backlog.add_large(1, Lane::kRequest, kWord, record_of(10'000));
    std::atomic<bool> sleeps{false};
    std::thread sleeper([&] {
      auto& doorbell = pair.mine->doorbell();
      while (!pair.backlog.empty()) {
        const std::uint32_t key = doorbell.prepare();
        sleeps = true;
        if (pair.backlog.empty())
          doorbell.cancel();
        else
          doorbell.commit(key, base::kForever, pair.mine->doorbell_scope());
      }
    });
    while (!sleeps.load()) base::yield_thread();
    while (!pair.backlog.empty()) {
      pair.backlog.drain();
      pair.deliver();
    }
    sleeper.join();
  }
}

// What is added while another thread drains is not left lying.
TEST(Backlog, ThreadsAddAndDrain) {
  constexpr int kThreads = 3;
  constexpr int kItems = 200;
  Pair pair(16);
  std::atomic<int> left{kThreads};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < kItems; ++i) {
        pair.backlog.add(1, i % 2 == 0 ? Lane::kRequest : Lane::kReply, spill_of("x"));
        pair.backlog.drain();
      }
      --left;
    });
  while (left.load() != 0 || !pair.backlog.empty()) {
    pair.deliver();
    pair.backlog.drain();
  }
  for (auto& thread : threads) thread.join();
  pair.deliver();
  EXPECT_EQ(std::string(kThreads * kItems, 'x'), pair.sink.spilled);
}

}  // namespace
}  // namespace lamellar::engine

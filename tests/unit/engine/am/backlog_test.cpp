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
  Assembly assembly{1 << 30, 1 << 30};
  std::vector<std::vector<std::byte>> records;
  std::string spilled;
};

struct Pair {
  explicit Pair(std::uint32_t pool)
      : job(std::make_shared<lamellae::LocalJob>(2, 1024, pool)),
        mine(job->lamella(0)),
        other(job->lamella(1)),
        backlog(*mine) {}
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

// Large records come in pieces, in any order; what contradicts itself is refused.
#include "engine/am/assembly.hpp"

#include <gtest/gtest.h>

#include "base/clock/rng.hpp"

namespace lamellar::engine {
namespace {

using Outcome = Assembly::Outcome;

constexpr std::uint64_t kMax = 1 << 20;
constexpr std::uint64_t kWindow = 64 << 10;
constexpr std::uint32_t kWord = 0x123;

wire::FragmentHead head_of(std::uint64_t message, std::uint64_t total, std::uint64_t offset,
                           std::uint32_t length) {
  wire::FragmentHead head;
  head.message = message;
  head.total = total;
  head.offset = offset;
  head.length = length;
  head.word = kWord;
  return head;
}

std::vector<std::byte> pattern(std::size_t size, unsigned seed = 0) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251 + seed);
  return bytes;
}

// Adds bytes [from, to) of `record`.
Outcome add(Assembly& assembly, Pe source, std::uint64_t message,
            const std::vector<std::byte>& record, std::size_t from, std::size_t to,
            AssembledRecord& whole) {
  return assembly.add(source,
                      head_of(message, record.size(), from, static_cast<std::uint32_t>(to - from)),
                      record.data() + from, whole);
}

void expect_whole(const AssembledRecord& whole, const std::vector<std::byte>& record,
                  std::size_t pieces) {
  ASSERT_EQ(record.size(), whole.size);
  EXPECT_EQ(0, std::memcmp(whole.bytes.get(), record.data(), record.size()));
  EXPECT_EQ(kWord, whole.word);
  EXPECT_EQ(record.size() + pieces * sizeof(wire::FragmentHead), whole.wire_bytes);
}

TEST(Assembly, OnePieceIsARecord) {
  Assembly assembly({kMax, kWindow});
  const auto record = pattern(100);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kComplete, add(assembly, 0, 1, record, 0, 100, whole));
  expect_whole(whole, record, 1);
}

TEST(Assembly, PiecesComeInAnyOrder) {
  base::Rng rng(42);
  for (int round = 0; round < 20; ++round) {
    Assembly assembly({kMax, kMax});
    const auto record = pattern(5000 + rng.next() % 5000, static_cast<unsigned>(round));
    std::vector<std::size_t> cuts{0};
    while (cuts.back() < record.size())
      cuts.push_back(std::min(record.size(), cuts.back() + 1 + rng.next() % 1500));
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) order.push_back(i);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.next() % i]);
    AssembledRecord whole;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Outcome expected =
          i + 1 == order.size() ? Outcome::kComplete : Outcome::kIncomplete;
      ASSERT_EQ(expected,
                add(assembly, 3, 9, record, cuts[order[i]], cuts[order[i] + 1], whole));
    }
    expect_whole(whole, record, order.size());
  }
}

TEST(Assembly, SourcesAndMessagesAreKeptApart) {
  Assembly assembly({kMax, kWindow});
  const auto a = pattern(2000, 1), b = pattern(2000, 2), c = pattern(2000, 3);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 0, 1, a, 0, 1000, whole));
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 1, 1, b, 0, 1000, whole));
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 0, 2, c, 0, 1000, whole));
  EXPECT_EQ(Outcome::kComplete, add(assembly, 1, 1, b, 1000, 2000, whole));
  expect_whole(whole, b, 2);
  EXPECT_EQ(Outcome::kComplete, add(assembly, 0, 1, a, 1000, 2000, whole));
  expect_whole(whole, a, 2);
  EXPECT_EQ(Outcome::kComplete, add(assembly, 0, 2, c, 1000, 2000, whole));
  expect_whole(whole, c, 2);
}

TEST(Assembly, SeveralThreadsAdd) {
  Assembly assembly({kMax, kWindow});
  constexpr int kRecords = 50;
  std::atomic<int> complete{0};
  std::vector<std::thread> threads;
  for (Pe source = 0; source < 4; ++source)
    threads.emplace_back([&, source] {
      const auto record = pattern(3000, source);
      for (std::uint64_t message = 0; message < kRecords; ++message) {
        AssembledRecord whole;
        EXPECT_EQ(Outcome::kIncomplete, add(assembly, source, message, record, 2000, 3000, whole));
        EXPECT_EQ(Outcome::kIncomplete, add(assembly, source, message, record, 0, 1000, whole));
        complete += add(assembly, source, message, record, 1000, 2000, whole) == Outcome::kComplete;
        EXPECT_EQ(0, std::memcmp(whole.bytes.get(), record.data(), record.size()));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(4 * kRecords, complete.load());
}

TEST(AssemblyHostile, TooLargeIsRefusedBeforeMemoryIsTaken) {
  Assembly assembly({kMax, ~std::uint64_t{0}});
  const auto piece = pattern(64);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kRefused, assembly.add(0, head_of(1, kMax + 1, 0, 64), piece.data(), whole));
  EXPECT_EQ(Outcome::kRefused,
            assembly.add(0, head_of(2, ~std::uint64_t{0}, 0, 64), piece.data(), whole));
}

TEST(AssemblyHostile, PiecesBeyondTheRecordAreRefused) {
  Assembly assembly({kMax, ~std::uint64_t{0} / 2});
  const auto piece = pattern(64);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kRefused, assembly.add(0, head_of(1, 100, 37, 64), piece.data(), whole));
  EXPECT_EQ(Outcome::kRefused, assembly.add(0, head_of(2, 100, 101, 0), piece.data(), whole));
  EXPECT_EQ(Outcome::kRefused,
            assembly.add(0, head_of(3, 100, ~std::uint64_t{0}, 64), piece.data(), whole));
  EXPECT_EQ(Outcome::kRefused,
            assembly.add(0, head_of(4, 100, ~std::uint64_t{0} - 63, 64), piece.data(), whole));
}

TEST(AssemblyHostile, PiecesFarAheadAreRefused) {
  Assembly assembly({kMax, kWindow});
  const auto piece = pattern(64);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kIncomplete,
            assembly.add(0, head_of(1, kMax, kWindow, 64), piece.data(), whole));
  EXPECT_EQ(Outcome::kRefused,
            assembly.add(0, head_of(2, kMax, kWindow + 1, 64), piece.data(), whole));
}

TEST(AssemblyHostile, PiecesThatContradictAreRefused) {
  const auto record = pattern(1000);
  for (const bool other_total : {true, false}) {
    Assembly assembly({kMax, kWindow});
    AssembledRecord whole;
    ASSERT_EQ(Outcome::kIncomplete, add(assembly, 0, 1, record, 0, 100, whole));
    wire::FragmentHead head = head_of(1, other_total ? 999 : 1000, 100, 100);
    if (!other_total) head.word = kWord + 1;
    EXPECT_EQ(Outcome::kRefused, assembly.add(0, head, record.data() + 100, whole));
  }
}

TEST(AssemblyHostile, EmptyPiecesAreRefused) {
  Assembly assembly({kMax, kWindow});
  AssembledRecord whole;
  const std::byte nothing{};
  EXPECT_EQ(Outcome::kRefused, assembly.add(0, head_of(1, 0, 0, 0), &nothing, whole));
  EXPECT_EQ(Outcome::kRefused, assembly.add(0, head_of(2, 100, 0, 0), &nothing, whole));
}

// A piece that comes twice must not make a record of bytes nobody sent.
TEST(AssemblyHostile, PiecesThatOverlapStayInsideTheRecord) {
  Assembly assembly({kMax, kWindow});
  const auto record = pattern(300);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 0, 1, record, 0, 200, whole));
  const Outcome outcome = add(assembly, 0, 1, record, 0, 200, whole);
  EXPECT_NE(Outcome::kComplete, outcome);
}

// Each of them would keep what it has for ever.
TEST(AssemblyHostile, MoreRecordsAtOnceThanThereCanBeAreRefused) {
  Assembly assembly({kMax, kWindow, 3});
  const auto record = pattern(1000);
  AssembledRecord whole;
  for (std::uint64_t message = 1; message <= 3; ++message)
    EXPECT_EQ(Outcome::kIncomplete, add(assembly, 1, message, record, 0, 500, whole));
  EXPECT_EQ(Outcome::kRefused, add(assembly, 1, 4, record, 0, 500, whole));
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 2, 1, record, 0, 500, whole)) << "another source";
  EXPECT_EQ(Outcome::kComplete, add(assembly, 1, 2, record, 500, 1000, whole));
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 1, 4, record, 0, 500, whole));
}

TEST(Assembly, WhatIsIncompleteIsCountedUpToASize) {
  Assembly assembly({kMax, kWindow, 8, 1000});
  const auto record = pattern(1000);
  const auto larger = pattern(1001);
  AssembledRecord whole;
  add(assembly, 0, 1, record, 0, 100, whole);
  EXPECT_EQ(100u, assembly.use().held);
  add(assembly, 0, 1, record, 300, 500, whole);  // ahead
  EXPECT_EQ(300u, assembly.use().held);
  add(assembly, 0, 2, larger, 0, 1000, whole);
  EXPECT_EQ(300u, assembly.use().held);
  EXPECT_EQ(1u, assembly.use().uncounted);
  add(assembly, 0, 1, record, 100, 300, whole);
  EXPECT_EQ(500u, assembly.use().held);
  EXPECT_EQ(Outcome::kComplete, add(assembly, 0, 1, record, 500, 1000, whole));
  EXPECT_EQ(0u, assembly.use().held);
  EXPECT_GE(assembly.use().most_held, 1000u);
  add(assembly, 0, 3, record, 0, 100, whole);
  EXPECT_EQ(Outcome::kRefused, add(assembly, 0, 3, record, 0, 100, whole));
  EXPECT_EQ(0u, assembly.use().held) << "what was refused is gone";
}

TEST(Assembly, ClearForgetsWhatIsIncomplete) {
  Assembly assembly({kMax, kWindow});
  const auto record = pattern(1000);
  AssembledRecord whole;
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 0, 1, record, 0, 500, whole));
  assembly.clear();
  EXPECT_EQ(Outcome::kIncomplete, add(assembly, 0, 1, record, 500, 1000, whole));
  EXPECT_EQ(Outcome::kComplete, add(assembly, 0, 1, record, 0, 500, whole));
  expect_whole(whole, record, 2);
}

}  // namespace
}  // namespace lamellar::engine

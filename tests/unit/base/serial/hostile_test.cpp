#include <gtest/gtest.h>

#include <cereal/cereal.hpp>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <lamellar/error.hpp>

#include "support/counting_new.hpp"
#include "unit/base/serial/types.hpp"

namespace serial_test {
namespace {

using lamellar::DecodeError;
using lamellar::testing_support::PeakMemory;

constexpr std::size_t kAllowance = 64 * 1024;

// count, as a container would write it, followed by tail bytes of zero.
std::vector<std::byte> claim(std::uint64_t count, std::size_t tail = 0) {
  std::vector<std::byte> bytes(10);
  lamellar::detail::SpanWriter out(bytes.data(), bytes.data() + bytes.size());
  lamellar::detail::put_count(out, count);
  bytes.resize(out.written() + tail);
  return bytes;
}

template <class T>
void expect_refused(const std::vector<std::byte>& bytes, std::size_t decoded = 0) {
  const PeakMemory memory;
  lamellar::detail::SpanReader in(bytes.data(), bytes.data() + bytes.size());
  EXPECT_THROW((void)lamellar::detail::decode<T>(in), DecodeError);
  EXPECT_LE(memory.peak(), decoded + kAllowance);
}

struct Wide {
  int value = 0;
  char rest[4000] = {};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

template <class T>
class HostileCount : public ::testing::Test {};
using Containers =
    ::testing::Types<std::string, std::u32string, std::vector<char>, std::vector<double>,
                     std::vector<bool>, std::vector<std::string>, std::vector<Nothing>,
                     std::vector<Husk>, std::vector<std::monostate>, std::vector<std::tuple<>>,
                     std::vector<std::vector<std::vector<int>>>, std::vector<Person>,
                     std::vector<std::vector<bool>>, std::vector<Tree>, std::vector<Wide>,
                     std::vector<std::array<int, 0>>, std::vector<std::pair<int, bool>>,
                     std::vector<std::optional<std::array<char, 4096>>>, std::deque<int>,
                     std::list<Nothing>, std::set<std::string>, std::map<int, std::string>,
                     std::unordered_map<std::string, int>>;
TYPED_TEST_SUITE(HostileCount, Containers);

TYPED_TEST(HostileCount, AnyClaimWithoutBytesIsRefused) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    expect_refused<TypeParam>(claim(std::uint64_t{1} << bit));
    expect_refused<TypeParam>(claim((std::uint64_t{2} << bit) - 1));
  }
}

TYPED_TEST(HostileCount, AClaimOfMoreThanTheBytesBehindItIsRefused) {
  // A megabyte is there, so that only the claim is a lie.
  constexpr std::size_t kTail = 1 << 20;
  expect_refused<TypeParam>(claim(std::uint64_t{8} * kTail + 1, kTail));
  expect_refused<TypeParam>(claim(~std::uint64_t{0}, kTail));
  expect_refused<TypeParam>(claim(std::uint64_t{1} << 61, kTail));
}

TEST(Hostile, AVectorAllocatesNothingBeforeItsElementsAreKnownToBeThere) {
  // A million empty strings are claimed; they are there except for the last.
  std::vector<std::byte> bytes = claim(1000000, 999999);
  bytes.push_back(std::byte{5});  // the last one claims five bytes
  const PeakMemory memory;
  EXPECT_THROW((void)value_of<std::vector<std::string>>(bytes), DecodeError);
  EXPECT_LE(memory.peak(), kAllowance);
}

TEST(Hostile, NestedVectorsAllocateWhatIsThere) {
  // 1000 vectors; the last one claims more than there is.
  std::vector<std::vector<std::vector<int>>> value(
      1000, std::vector<std::vector<int>>(20, std::vector<int>(3)));
  std::vector<std::byte> bytes = bytes_of(value);
  bytes.pop_back();
  expect_refused<decltype(value)>(bytes);
}

TEST(Hostile, TypesWithALoadFunctionGrowWithWhatWasDecoded) {
  // 100000 elements of 4 KiB in memory and 5 bytes on the wire; only 100 are whole.
  std::vector<std::byte> bytes = claim(100000, 5 * 100);
  bytes.resize(bytes.size() + 100000, std::byte{1});
  bytes[bytes.size() - 1] = std::byte{1};
  const PeakMemory memory;
  lamellar::detail::SpanReader in(bytes.data(), bytes.data() + bytes.size());
  EXPECT_THROW((void)lamellar::detail::decode<std::vector<Wide>>(in), DecodeError);
  const std::size_t decoded = (bytes.size() / 5) * sizeof(Wide);
  EXPECT_LE(memory.peak(), 3 * decoded + kAllowance);
}

TEST(Hostile, ValidVectorsTakeExactlyTheirMemory) {
  const std::vector<std::vector<int>> value(2000, std::vector<int>(50, 1));
  const std::vector<std::byte> bytes = bytes_of(value);
  const PeakMemory memory;
  const auto back = value_of<std::vector<std::vector<int>>>(bytes);
  EXPECT_EQ(back.size(), 2000u);
  EXPECT_LE(memory.peak(), 2000 * (sizeof(std::vector<int>) + 50 * sizeof(int)) + 1024);
}

TEST(Hostile, EveryTruncationIsADecodeError) {
  const std::vector<Person> value(3, Person{"Ann", {1, 2, 3}, true, {{1, 2}, {3, 4}}});
  const std::vector<std::byte> whole = bytes_of(value);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(size));
    expect_refused<std::vector<Person>>(part);
  }
}

TEST(Hostile, BytesThatAreNoValueAreRefused) {
  expect_refused<bool>({std::byte{2}});
  expect_refused<std::optional<int>>({std::byte{7}, {}, {}, {}, {}});
  expect_refused<std::variant<int, char>>({std::byte{2}, {}, {}, {}, {}});
  // Counts of more than 64 bits.
  expect_refused<std::string>(std::vector<std::byte>(11, std::byte{0xff}));
  std::vector<std::byte> long_count(10, std::byte{0x80});
  long_count[9] = std::byte{2};
  expect_refused<std::string>(long_count);
}

TEST(Hostile, BytesLeftOverAreNoticedWhereAsked) {
  std::vector<std::byte> bytes = bytes_of(std::string("abc"));
  bytes.push_back({});
  EXPECT_THROW((void)value_of<std::string>(bytes), DecodeError);
}

TEST(Hostile, DeepNestingIsRefusedOnBothSides) {
  // 100000 nodes, each the only child of the one before: value, count 1, value, count 1, ...
  std::vector<std::byte> bytes;
  for (int i = 0; i < 100000; ++i) bytes.insert(bytes.end(), {{}, {}, {}, {}, std::byte{1}});
  expect_refused<Tree>(bytes, 512 * 3 * sizeof(Tree));
  expect_refused<Chain>(bytes, 512 * sizeof(Chain));

  Tree deep;
  for (int i = 0; i < 1000; ++i) {
    std::vector<Tree> children;
    children.push_back(std::move(deep));
    deep = Tree{i, std::move(children)};
  }
  EXPECT_THROW((void)bytes_of(deep), lamellar::Error);

  Tree fine;
  for (int i = 0; i < 500; ++i) {
    std::vector<Tree> children;
    children.push_back(std::move(fine));
    fine = Tree{i, std::move(children)};
  }
  EXPECT_EQ(value_of<Tree>(bytes_of(fine)), fine);
}

// Random bytes and random damage: a value or a DecodeError, never anything else.
TEST(Hostile, RandomBytesAreAValueOrADecodeError) {
  std::mt19937 random(20240601);
  const std::vector<std::byte> whole = bytes_of(everything());
  int values = 0;
  int errors = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> bytes = whole;
    if (round % 2 == 0) {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % (round % 3 ? 4 : 256));
    } else {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    const PeakMemory memory;
    lamellar::detail::SpanReader in(bytes.data(), bytes.data() + bytes.size());
    try {
      (void)lamellar::detail::decode<Everything>(in);
      ++values;
    } catch (const DecodeError&) {
      ++errors;
    }
    ASSERT_LE(memory.peak(), bytes.size() * 64 + kAllowance);
  }
  EXPECT_GT(values, 100);
  EXPECT_GT(errors, 100);
}

}  // namespace
}  // namespace serial_test

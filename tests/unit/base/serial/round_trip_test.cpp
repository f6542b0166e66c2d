#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <lamellar/serialize_more.hpp>

#include "unit/base/serial/types.hpp"

namespace serial_test {
namespace {

template <class T>
void expect_round_trip(const T& value) {
  const std::vector<std::byte> bytes = bytes_of(value);
  EXPECT_EQ(value_of<T>(bytes), value);
  // Into a value that holds something else, from an odd address, with bytes behind it.
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), bytes.begin(), bytes.end());
  shifted.resize(shifted.size() + 3);
  lamellar::detail::SpanReader in(shifted.data() + 1, shifted.data() + shifted.size());
  T other = value;
  lamellar::detail::decode_into(other, in);
  EXPECT_EQ(other, value);
  EXPECT_EQ(in.remaining(), 3u);
  // The look-ahead walks over exactly one encoding, or cannot tell.
  lamellar::detail::SpanReader ahead(shifted.data() + 1, shifted.data() + shifted.size());
  if (lamellar::detail::Codec<T>::skip(ahead, 0) == lamellar::detail::Skip::kOk) {
    EXPECT_EQ(ahead.remaining(), 3u);
  }
}

enum class Colour : std::uint16_t { kRed = 1, kGreen = 600 };

TEST(RoundTrip, Numbers) {
  expect_round_trip(0);
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip(std::numeric_limits<double>::infinity());
  expect_round_trip(1.5f);
  expect_round_trip('x');
  expect_round_trip(true);
  expect_round_trip(false);
  expect_round_trip(Colour::kGreen);
  expect_round_trip(std::byte{7});
}

TEST(RoundTrip, Strings) {
  expect_round_trip(std::string());
  expect_round_trip(std::string("short"));
  expect_round_trip(std::string("with\0zero", 9));
  expect_round_trip(std::string(127, 'a'));
  expect_round_trip(std::string(128, 'b'));
  expect_round_trip(std::string(100000, 'c'));
  expect_round_trip(std::u16string(u"wide"));
  expect_round_trip(std::u32string(300, U'w'));
}

TEST(RoundTrip, Sequences) {
  expect_round_trip(std::vector<int>{});
  expect_round_trip(std::vector<int>{1, 2, 3});
  expect_round_trip(std::vector<std::string>{"", "a", std::string(1000, 'x')});
  expect_round_trip(std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {}, {{2, 3}}});
  expect_round_trip(std::vector<std::pair<std::uint8_t, std::uint64_t>>{{1, 2}, {3, 4}});
  expect_round_trip(std::deque<std::string>{"a", "b"});
  expect_round_trip(std::list<int>{4, 5});
  expect_round_trip(std::forward_list<std::string>{"a", "b", "c"});
  expect_round_trip(std::array<int, 3>{1, 2, 3});
  expect_round_trip(std::array<std::string, 2>{"a", "b"});
  expect_round_trip(std::array<int, 0>{});
}

TEST(RoundTrip, Bits) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u}) {
    std::vector<bool> bits(size);
    for (std::size_t i = 0; i < size; i += 3) bits[i] = true;
    expect_round_trip(bits);
    EXPECT_LE(bytes_of(bits).size(), 2 + (size + 7) / 8);
  }
  expect_round_trip(std::vector<std::vector<bool>>{{true}, {}, {false, true}});
  expect_round_trip(std::bitset<19>(0x5a5a5));
  expect_round_trip(std::bitset<0>());
}

TEST(RoundTrip, SetsAndMaps) {
  expect_round_trip(std::set<std::string>{"b", "a"});
  expect_round_trip(std::multiset<int>{1, 1, 2});
  expect_round_trip(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
  expect_round_trip(std::multimap<int, int>{{1, 2}, {1, 3}});
  expect_round_trip(std::unordered_set<std::string>{"x", "y"});
  expect_round_trip(std::unordered_multiset<int>{1, 1});
  expect_round_trip(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}});
  expect_round_trip(std::unordered_multimap<int, int>{{1, 2}, {1, 2}});
  std::map<int, int> many;
  for (int i = 0; i < 1000; ++i) many[i * 7919 % 1000] = i;
  expect_round_trip(many);
}

TEST(RoundTrip, MaybeAndEither) {
  expect_round_trip(std::optional<int>{});
  expect_round_trip(std::optional<std::string>{"x"});
  expect_round_trip(std::optional<std::optional<int>>{std::optional<int>{}});
  using Either = std::variant<std::monostate, int, std::string, std::vector<Point>>;
  expect_round_trip(Either{});
  expect_round_trip(Either{7});
  expect_round_trip(Either{"text"});
  expect_round_trip(Either{std::vector<Point>{{1, 2}}});
  expect_round_trip(std::vector<Either>{7, "text", std::monostate{}});
}

TEST(RoundTrip, TuplesAndPairs) {
  expect_round_trip(std::tuple<>{});
  expect_round_trip(std::tuple<int, std::string, bool>{1, "b", true});
  expect_round_trip(std::pair<std::string, std::pair<int, double>>{"a", {1, 2.0}});
}

TEST(RoundTrip, Time) {
  expect_round_trip(std::chrono::milliseconds(-5));
  expect_round_trip(std::chrono::system_clock::time_point(std::chrono::seconds(12)));
  expect_round_trip(std::vector<std::chrono::seconds>{std::chrono::seconds(1)});
  expect_round_trip(std::complex<double>(1, -2));
}

TEST(RoundTrip, TypesOfUsers) {
  expect_round_trip(Point{1, 2});
  expect_round_trip(Person{"Ann", {1, 2, 3}, true, {{1, 2}, {3, 4}}});
  expect_round_trip(std::vector<Person>(50, Person{"Bob", {}, false, {{0, 1}}}));
  expect_round_trip(Nothing{});
  expect_round_trip(Husk{});
  expect_round_trip(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  expect_round_trip(Grid<int, 4>{{1, 2, 3, 4}, "g"});
  expect_round_trip(Grid<std::string, 2>{{"a", "b"}, "g"});
}

TEST(RoundTrip, ElementsWithoutBytes) {
  expect_round_trip(std::vector<Nothing>(1000));
  expect_round_trip(std::vector<Husk>(3));
  expect_round_trip(std::vector<std::tuple<>>(3));
  expect_round_trip(std::map<int, Nothing>{{1, {}}, {2, {}}});
  expect_round_trip(std::vector<std::monostate>(5));
  expect_round_trip(std::list<std::array<Nothing, 3>>(2));
  EXPECT_EQ(bytes_of(Nothing{}).size(), 0u);
}

TEST(RoundTrip, UniquePointersBringTheirValue) {
  Chain chain{1, std::make_unique<Chain>(Chain{2, nullptr})};
  const Chain back = value_of<Chain>(bytes_of(chain));
  EXPECT_EQ(back.value, 1);
  ASSERT_NE(back.next, nullptr);
  EXPECT_EQ(back.next->value, 2);
  EXPECT_EQ(back.next->next, nullptr);
}

TEST(Encoding, IsAsSmallAsPromised) {
  EXPECT_EQ(bytes_of(Point{}).size(), 16u);
  EXPECT_EQ(bytes_of(std::string("abc")).size(), 4u);
  EXPECT_EQ(bytes_of(std::vector<Point>(2)).size(), 1 + 32u);
  static_assert(lamellar::trivial_wire<Point>);
  static_assert(lamellar::trivial_wire<int[3][2]>);
  static_assert(lamellar::trivial_wire<std::chrono::nanoseconds>);
  static_assert(!lamellar::trivial_wire<Person>);
  static_assert(!lamellar::trivial_wire<bool>);
  static_assert(lamellar::detail::fixed_wire_size<std::pair<bool, std::uint64_t>> == 9);
  static_assert(lamellar::detail::fixed_wire_size<std::string> == lamellar::detail::kVariable);
}

TEST(Encoding, AnOverflowingWriterTellsTheExactSize) {
  const Person person{"Ann", {1, 2, 3}, true, std::vector<Point>(10)};
  const std::vector<std::byte> whole = bytes_of(person);
  for (std::size_t room = 0; room <= whole.size(); ++room) {
    std::vector<std::byte> bytes(room + 1, std::byte{0xee});
    lamellar::detail::SpanWriter out(bytes.data(), bytes.data() + room);
    lamellar::detail::encode(person, out);
    EXPECT_EQ(out.needed(), whole.size());
    EXPECT_EQ(out.fits(), room == whole.size());
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + static_cast<long>(out.written()),
                           whole.begin()));
    EXPECT_EQ(bytes[room], std::byte{0xee});
  }
}

}  // namespace
}  // namespace serial_test

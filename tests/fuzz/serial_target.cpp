// Arguments and results of active messages: one byte chooses the type, the rest is its encoding.
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <lamellar/error.hpp>
#include <lamellar/serialize_more.hpp>

#include "fuzz/target.hpp"
#include "unit/base/serial/types.hpp"

namespace lamellar::fuzz {
namespace {

using serial_test::Chain;
using serial_test::Everything;
using serial_test::everything;
using serial_test::Grid;
using serial_test::Husk;
using serial_test::Nothing;
using serial_test::Person;
using serial_test::Point;
using serial_test::Tree;

// A user's type, through cereal: sizes, raw bytes, names.
struct Album {
  std::string title;
  std::vector<std::uint16_t> pixels;
  std::map<std::string, Point> places;
  template <class Archive>
  void save(Archive& archive) const {
    archive(CEREAL_NVP(title));
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(pixels.size())));
    archive(cereal::binary_data(pixels.data(), pixels.size() * sizeof(std::uint16_t)));
    archive(places);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(CEREAL_NVP(title));
    cereal::size_type size = 0;
    archive(cereal::make_size_tag(size));
    pixels.resize(size);
    archive(cereal::binary_data(pixels.data(), pixels.size() * sizeof(std::uint16_t)));
    archive(places);
  }
};

using Either = std::variant<std::monostate, int, std::string, std::vector<Point>>;
using Types = std::tuple<
    std::uint64_t, bool, std::string, std::u16string, std::vector<int>, std::vector<double>,
    std::vector<bool>, std::bitset<19>, std::vector<std::string>,
    std::vector<std::vector<std::vector<int>>>, std::deque<std::string>, std::list<int>,
    std::forward_list<std::string>, std::array<std::string, 2>, std::set<std::string>,
    std::multiset<int>, std::map<std::string, std::vector<int>>, std::multimap<int, int>,
    std::unordered_set<std::string>, std::unordered_map<int, std::string>,
    std::optional<std::optional<int>>, Either, std::vector<Either>,
    std::tuple<int, std::string, bool>, std::vector<std::pair<std::uint8_t, std::uint64_t>>,
    std::chrono::milliseconds, std::complex<double>, Point, Person, std::vector<Person>, Husk,
    std::vector<Husk>, std::vector<std::tuple<>>, Tree, Chain, Grid<std::string, 2>, Album,
    std::vector<Album>, std::map<std::string, std::optional<Album>>, Everything>;
constexpr std::size_t kTypes = std::tuple_size_v<Types>;

std::vector<std::byte> encoded(const auto& value) {
  std::vector<std::byte> bytes(detail::encoded_size(value));
  detail::SpanWriter out(bytes.data(), bytes.data() + bytes.size());
  detail::encode(value, out);
  require(out.fits() && out.written() == bytes.size(), "the encoded size was wrong");
  return bytes;
}

template <class T>
inline constexpr bool kOrdered = true;
template <class K, class... Rest>
inline constexpr bool kOrdered<std::unordered_set<K, Rest...>> = false;
template <class K, class V, class... Rest>
inline constexpr bool kOrdered<std::unordered_map<K, V, Rest...>> = false;

// Refused by a DecodeError, or a value that survives another journey. The look-ahead, which decides
// what may be allocated, refuses nothing that decoding takes.
template <class T>
void read(const std::byte* first, const std::byte* last) {
  detail::SpanReader ahead(first, last);
  const detail::Skip skipped = detail::Codec<T>::skip(ahead, 0);
  detail::SpanReader in(first, last);
  T value{};
  const MemoryLimit limit(static_cast<std::size_t>(last - first));
  try {
    detail::decode_into(value, in);
  } catch (const DecodeError& error) {
    limit.check();
    require(std::strncmp(error.what(), "cannot decode: ", 15) == 0, "an error that says nothing");
    return;
  }
  limit.check();
  require(in.at >= first && in.at <= last, "the reader left its bytes");
  require(skipped != detail::Skip::kBad, "the look-ahead refused what can be decoded");
  require(skipped != detail::Skip::kOk || ahead.at == in.at, "the look-ahead went another way");
  const std::vector<std::byte> once = encoded(value);
  detail::SpanReader again(once.data(), once.data() + once.size());
  const auto back = detail::decode<T>(again);
  require(again.remaining() == 0, "an encoding was longer than its value");
  const std::vector<std::byte> twice = encoded(back);
  if constexpr (kOrdered<T>)
    require(once == twice, "another journey made another value");
  else
    require(once.size() == twice.size(), "another journey made another value");
}

template <std::size_t... i>
void read_as(std::size_t type, const std::byte* first, const std::byte* last,
             std::index_sequence<i...>) {
  (void)((type == i && (read<std::tuple_element_t<i, Types>>(first, last), true)) || ...);
}

void run(View input) {
  if (input.empty() || input[0] >= kTypes) return;
  // Of its own: a sanitizer sees reads past its end, at any alignment.
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(input.data()) + 1,
                                     reinterpret_cast<const std::byte*>(input.data()) +
                                         input.size());
  read_as(input[0], bytes.data(), bytes.data() + bytes.size(),
          std::make_index_sequence<kTypes>());
}

template <class T>
constexpr std::size_t number_of() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    std::size_t found = kTypes;
    (void)((std::is_same_v<T, std::tuple_element_t<i, Types>> && (found = i, true)) || ...);
    return found;
  }(std::make_index_sequence<kTypes>());
}

template <class T>
Bytes example(const T& value) {
  static_assert(number_of<T>() < kTypes);
  Bytes bytes = {static_cast<std::uint8_t>(number_of<T>())};
  for (const std::byte byte : encoded(value)) bytes.push_back(static_cast<std::uint8_t>(byte));
  return bytes;
}

Chain chain() {
  Chain chain{1, std::make_unique<Chain>(Chain{2, nullptr})};
  return chain;
}

std::vector<Bytes> examples() {
  const Album album{"holidays", {1, 2, 3, 4}, {{"home", {1, 2}}, {"sea", {3, 4}}}};
  return {
      example(std::uint64_t{7}),
      example(true),
      example(std::string("text")),
      example(std::string(200, 'l')),
      example(std::u16string(u"wide")),
      example(std::vector<int>{1, 2, 3}),
      example(std::vector<double>{1.5, -2}),
      example(std::vector<bool>{true, false, true, true, false, true, true, true, false}),
      example(std::bitset<19>(0x5a5a5)),
      example(std::vector<std::string>{"", "a", "longer"}),
      example(std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {}, {{2, 3}}}),
      example(std::deque<std::string>{"a", "b"}),
      example(std::list<int>{4, 5}),
      example(std::forward_list<std::string>{"a", "b"}),
      example(std::array<std::string, 2>{"a", "b"}),
      example(std::set<std::string>{"b", "a"}),
      example(std::multiset<int>{1, 1, 2}),
      example(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}}),
      example(std::multimap<int, int>{{1, 2}, {1, 3}}),
      example(std::unordered_set<std::string>{"x", "y"}),
      example(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}}),
      example(std::optional<std::optional<int>>{std::optional<int>{3}}),
      example(Either{"text"}),
      example(std::vector<Either>{7, "text", std::monostate{}}),
      example(std::tuple<int, std::string, bool>{1, "b", true}),
      example(std::vector<std::pair<std::uint8_t, std::uint64_t>>{{1, 2}, {3, 4}}),
      example(std::chrono::milliseconds(-5)),
      example(std::complex<double>(1, -2)),
      example(Point{1, 2}),
      example(Person{"Ann", {1, 2, 3}, true, {{1, 2}, {3, 4}}}),
      example(std::vector<Person>(3, Person{"Bob", {}, false, {{0, 1}}})),
      example(std::vector<Husk>(3)),
      example(std::vector<std::tuple<>>(3)),
      example(Tree{1, {{2, {}}, {3, {{4, {}}}}}}),
      example(chain()),
      example(Grid<std::string, 2>{{"a", "b"}, "g"}),
      example(album),
      example(std::vector<Album>(2, album)),
      example(std::map<std::string, std::optional<Album>>{{"a", album}, {"b", {}}}),
      example(everything()),
  };
}

}  // namespace

const Target kSerial = {"serial", &run, &examples};

}  // namespace lamellar::fuzz

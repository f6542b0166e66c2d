// What travels: standard containers, optional, variant, tuple, nested and user types, as fields
// and as results.
#include <array>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <cereal/types/string.hpp>

#include "helpers.hpp"

namespace multi {
namespace {

enum class Color : std::uint8_t { kRed, kGreen };

struct Point {
  double x = 0, y = 0;
  std::string name;
  bool operator==(const Point&) const = default;
};
LAMELLAR_FIELDS(Point, x, y, name);

class Temperature {  // brings its own serialize
 public:
  Temperature() = default;
  explicit Temperature(double kelvin) : kelvin_(kelvin), unit_("K") {}
  bool operator==(const Temperature&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(kelvin_, unit_);
  }

 private:
  double kelvin_ = 0;
  std::string unit_;
};

struct Everything {
  std::vector<int> numbers;
  std::vector<std::string> texts;
  std::deque<std::uint16_t> deque;
  std::list<Point> points;
  std::map<std::string, std::vector<Point>> map;
  std::unordered_map<int, std::string> hash_map;
  std::set<std::string> set;
  std::unordered_set<std::uint64_t> hash_set;
  std::array<std::string, 3> array;
  std::optional<Point> full;
  std::optional<Point> empty;
  std::variant<int, std::string, Point> variant;
  std::tuple<char, std::string, std::tuple<double, Color>> tuple;
  std::pair<Temperature, std::vector<bool>> pair;
  bool operator==(const Everything&) const = default;
};
LAMELLAR_FIELDS(Everything, numbers, texts, deque, points, map, hash_map, set, hash_set, array,
                full, empty, variant, tuple, pair);

Everything make(std::uint64_t seed) {
  Everything all;
  const auto s = static_cast<int>(seed % 1000);
  for (int i = 0; i < s % 50; ++i) {
    all.numbers.push_back(i * s);
    all.texts.push_back(text_of(static_cast<std::size_t>(i), seed));
    all.deque.push_back(static_cast<std::uint16_t>(i));
    all.points.push_back({1.5 * i, -2.0, text_of(3, seed + i)});
    all.map[std::to_string(i)] = {Point{1, 2, "p"}, Point{3, 4, text_of(40, i)}};
    all.hash_map[i] = std::to_string(s);
    all.set.insert(text_of(5, i));
    all.hash_set.insert(seed * i);
  }
  all.array = {"a", "", text_of(100, seed)};
  all.full = Point{0.5, 0.25, "full"};
  all.variant = Point{9, 9, "in a variant"};
  all.tuple = {'c', "tuple", {2.5, Color::kGreen}};
  all.pair = {Temperature(273.15), {true, false, true}};
  return all;
}

struct EchoEverything {
  Everything all;
  Everything exec(Context&) const { return all; }
};
LAMELLAR_AM(EchoEverything, all);

struct EchoLater {
  Everything all;
  std::uint64_t seed;
  Task<std::tuple<Everything, bool>> exec(Context& context) {
    const bool same = all == make(seed);
    const Pe next = next_pe(context);
    auto handle = context.world().exec_am_pe<EchoEverything>(next, std::move(all));
    Everything back = co_await std::move(handle);
    co_return std::tuple(std::move(back), same);
  }
};
LAMELLAR_AM(EchoLater, all, seed);

struct Fields {  // the containers themselves as fields, not one listed struct
  std::vector<std::string> texts;
  std::map<int, std::string> map;
  std::optional<std::string> maybe;
  std::variant<int, std::string> either;
  std::tuple<int, std::string> pair;
  Temperature temperature;
  std::size_t exec(Context&) const {
    return texts.size() + map.size() + (maybe ? maybe->size() : 0) + either.index() +
           std::get<1>(pair).size() + (temperature == Temperature(1.0) ? 1000 : 0);
  }
};
LAMELLAR_AM(Fields, texts, map, maybe, either, pair, temperature);

struct Trivial {
  std::array<double, 4> values;
  Color color;
  Trivial exec(Context&) const {
    return {{values[3], values[2], values[1], values[0]}, Color::kGreen};
  }
};
LAMELLAR_AM(Trivial, values, color);

LAMELLAR_MULTI_TEST(Data, EverythingThereAndBack, 1) {
  const std::uint64_t me = world.my_pe();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Everything sent = make(me * 131 + seed * 7);
    const Pe to = static_cast<Pe>(seed) % world.num_pes();
    EXPECT_EQ(world.exec_am_pe<EchoEverything>(to, sent).block(), sent);
  }
}

LAMELLAR_MULTI_TEST(Data, EverythingThroughCoroutines, 1) {
  for (std::uint64_t seed = 30; seed < 40; ++seed) {
    const Pe to = static_cast<Pe>(seed) % world.num_pes();
    const auto [back, same] = world.exec_am_pe<EchoLater>(to, make(seed), seed).block();
    EXPECT_EQ(back, make(seed));
    EXPECT_TRUE(same);
  }
}

LAMELLAR_MULTI_TEST(Data, EverythingToAll, 1) {
  const auto answers = world.exec_am_all<EchoEverything>(make(77)).block();
  ASSERT_EQ(answers.size(), world.num_pes());
  for (const Everything& answer : answers) EXPECT_EQ(answer, make(77));
}

LAMELLAR_MULTI_TEST(Data, ContainersAsFields, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    const Fields fields{{"a", "b"}, {{1, "x"}}, "12345", "text", {1, "abc"}, Temperature(1.0)};
    EXPECT_EQ(world.exec_am_pe(pe, fields).block(), 2u + 1u + 5u + 1u + 3u + 1000u);
  }
}

LAMELLAR_MULTI_TEST(Data, TriviallyCopyable, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    const Trivial back = world.exec_am_pe(pe, Trivial{{1, 2, 3, 4}, Color::kRed}).block();
    EXPECT_EQ(back.values, (std::array<double, 4>{4, 3, 2, 1}));
    EXPECT_EQ(back.color, Color::kGreen);
  }
}

}  // namespace
}  // namespace multi

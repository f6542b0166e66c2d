#pragma once
// Types of users for the tests of serialization, and a round trip.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <lamellar/serialize.hpp>

namespace serial_test {

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
LAMELLAR_FIELDS(Point, x, y);

struct Person {
  std::string name;
  int numbers[3] = {};
  bool known = false;
  std::vector<Point> path;
  friend bool operator==(const Person&, const Person&) = default;
};
LAMELLAR_FIELDS(Person, name, numbers, known, path);

struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};

// Not empty for the compiler, but its encoding is: every member is.
struct Husk {
  Nothing a;
  Nothing b;
  friend bool operator==(const Husk&, const Husk&) = default;
};
LAMELLAR_FIELDS(Husk, a, b);

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
LAMELLAR_FIELDS(Tree, value, children);

struct Chain {
  int value = 0;
  std::unique_ptr<Chain> next;
};
LAMELLAR_FIELDS(Chain, value, next);

template <class T, int n>
struct Grid {
  T cells[n] = {};
  std::string name;
  friend bool operator==(const Grid&, const Grid&) = default;
};
LAMELLAR_FIELDS_TEMPLATE((class T, int n), (Grid<T, n>), cells, name);

struct Everything {
  std::vector<Person> persons;
  std::map<std::string, std::vector<std::string>> texts;
  Tree tree;
  std::variant<int, std::string, std::vector<bool>> either;
  std::optional<std::string> maybe;
  std::unique_ptr<Point> point;
  std::vector<Nothing> nothings;
  std::set<int> numbers;
};
LAMELLAR_FIELDS(Everything, persons, texts, tree, either, maybe, point, nothings, numbers);
inline Everything everything() {
  return {std::vector<Person>(2, Person{"Ann", {1, 2, 3}, true, {{1, 2}}}),
          {{"k", {"a", "b"}}},
          Tree{1, {{2, {}}}},
          std::string("v"),
          "o",
          std::make_unique<Point>(),
          std::vector<Nothing>(3),
          {1, 2}};
}

// The bytes of a value, as they would stand in a frame.
template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  std::vector<std::byte> bytes(lamellar::detail::encoded_size(value));
  lamellar::detail::SpanWriter out(bytes.data(), bytes.data() + bytes.size());
  lamellar::detail::encode(value, out);
  if (!out.fits() || out.written() != bytes.size()) throw "the size was wrong";
  return bytes;
}

// Decodes all of bytes.
template <class T>
T value_of(const std::vector<std::byte>& bytes) {
  lamellar::detail::SpanReader in(bytes.data(), bytes.data() + bytes.size());
  T value = lamellar::detail::decode<T>(in);
  lamellar::detail::expect_end(in);
  return value;
}

}  // namespace serial_test

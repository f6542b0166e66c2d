#pragma once
// Types of users for the tests of serialization, and a round trip.

#include <cstddef>
#include <memory>
#include <string>
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

// What the refused programs of this family become when they are right.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <lamellar/serialize.hpp>

namespace user {

struct Everything {
  int number = 0;
  std::string text;
  std::vector<std::string> texts;
  std::vector<std::vector<int>> nested;
  std::tuple<int, std::string> pair;
  std::optional<std::string> maybe;
  std::map<std::string, double> table;
  std::unique_ptr<int> owned;
  int numbers[4] = {};
};
LAMELLAR_FIELDS(Everything, number, text, texts, nested, pair, maybe, table, owned, numbers);

// In another order than declared, and empty.
struct Point {
  double x = 0;
  double y = 0;
};
LAMELLAR_FIELDS(Point, y, x);
struct Nothing {};
LAMELLAR_FIELDS(Nothing);

// Not an aggregate.
struct Made {
  explicit Made(int v) : value(v) {}
  Made() = default;
  int value = 0;
};
LAMELLAR_FIELDS(Made, value);

template <class T>
struct Box {
  T value{};
};
LAMELLAR_FIELDS_TEMPLATE((class T), (Box<T>), value);

struct Handle {
  void* address = nullptr;
};

}  // namespace user

template <>
struct lamellar::wire_safe_override<user::Handle> : std::true_type {};

template <class T>
void both_ways(T& value, lamellar::detail::SpanWriter& out, lamellar::detail::SpanReader& in) {
  lamellar::detail::encode(value, out);
  lamellar::detail::decode_into(value, in);
}

void use(lamellar::detail::SpanWriter& out, lamellar::detail::SpanReader& in) {
  user::Everything everything;
  both_ways(everything, out, in);
  user::Point point;
  both_ways(point, out, in);
  user::Nothing nothing;
  both_ways(nothing, out, in);
  user::Made made;
  both_ways(made, out, in);
  user::Box<std::string> box;
  both_ways(box, out, in);
  user::Handle handle;
  both_ways(handle, out, in);
}
static_assert(!lamellar::wire_safe<int*> && !lamellar::wire_safe<std::vector<user::Box<int*>>>);

// EXPECT: the library cannot see what is in this type
#include <vector>

#include <lamellar/serialize.hpp>

struct Point {
  double x;
  double y;
};

void use(const std::vector<Point>& points, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(points, out);
}

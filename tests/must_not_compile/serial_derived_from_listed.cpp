// EXPECT: the library cannot see what is in this type
#include <lamellar/serialize.hpp>

struct Base {
  int value;
};
LAMELLAR_FIELDS(Base, value);
struct Derived : Base {
  int more;
};

void use(const Derived& value, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(value, out);
}

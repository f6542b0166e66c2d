// EXPECT: a member of the type is missing in its list
#include <lamellar/serialize.hpp>

template <class T>
struct Box {
  T value;
  int forgotten;
};
LAMELLAR_FIELDS_TEMPLATE((class T), (Box<T>), value);

void use(const Box<int>& box, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(box, out);
}

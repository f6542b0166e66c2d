// EXPECT: the library cannot see what is in this type
#include <lamellar/serialize.hpp>

struct Descriptor {
  int fd;
};
LAMELLAR_FIELDS(Descriptor, fd);
template <>
struct lamellar::wire_safe_override<Descriptor> : std::false_type {};

void use(const Descriptor& descriptor, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(descriptor, out);
}

// EXPECT: the library cannot see what is in this type
#include <lamellar/serialize.hpp>

void use(lamellar::detail::SpanWriter& out) {
  int here = 1;
  auto lambda = [&here] { return here; };
  lamellar::detail::encode(lambda, out);
}

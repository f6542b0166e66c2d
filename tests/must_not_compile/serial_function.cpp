// EXPECT: the library cannot see what is in this type
#include <functional>

#include <lamellar/serialize.hpp>

void use(const std::function<void()>& function, lamellar::detail::SpanWriter& out) {
  lamellar::detail::encode(function, out);
}

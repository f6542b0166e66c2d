// EXPECT: a reference, string_view, span or reference_wrapper cannot be sent
#include <span>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::span<int> field;
};
LAMELLAR_FIELDS(Message, number, field);

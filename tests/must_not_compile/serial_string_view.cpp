// EXPECT: a reference, string_view, span or reference_wrapper cannot be sent
#include <string_view>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::string_view field;
};
LAMELLAR_FIELDS(Message, number, field);

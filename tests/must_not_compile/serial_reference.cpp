// EXPECT: a reference, string_view, span or reference_wrapper cannot be sent
#include <lamellar/serialize.hpp>

struct Message {
  int number;
  int& field;
};
LAMELLAR_FIELDS(Message, number, field);

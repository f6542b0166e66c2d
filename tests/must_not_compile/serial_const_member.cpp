// EXPECT: a const member cannot be received
#include <lamellar/serialize.hpp>

struct Message {
  int number;
  const int field;
};
LAMELLAR_FIELDS(Message, number, field);

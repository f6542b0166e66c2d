// EXPECT: a pointer cannot be sent
#include <lamellar/serialize.hpp>

struct Message {
  int number;
  int Message::*field;
};
LAMELLAR_FIELDS(Message, number, field);

// EXPECT: a pointer cannot be sent
#include <lamellar/serialize.hpp>

struct Message {
  int number;
  const char* field[2];
};
LAMELLAR_FIELDS(Message, number, field);

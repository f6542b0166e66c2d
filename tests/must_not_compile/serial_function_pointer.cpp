// EXPECT: a pointer cannot be sent
#include <lamellar/serialize.hpp>

struct Message {
  int number;
  int (*field)(int);
};
LAMELLAR_FIELDS(Message, number, field);

// EXPECT: only 1 name
#include <lamellar/serialize.hpp>

struct Message {
  explicit Message(int n) : number(n) {}
  Message() = default;
  int number = 0;
  int forgotten = 0;
};
LAMELLAR_FIELDS(Message, number);

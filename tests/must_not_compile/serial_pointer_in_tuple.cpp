// EXPECT: a pointer cannot be sent
#include <tuple>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::tuple<int, const char*> field;
};
LAMELLAR_FIELDS(Message, number, field);

// EXPECT: a pointer cannot be sent
#include <vector>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::vector<int*> field;
};
LAMELLAR_FIELDS(Message, number, field);

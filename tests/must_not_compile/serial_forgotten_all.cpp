// EXPECT: a member of the type is missing in its list
#include <lamellar/serialize.hpp>

struct Message {
  int forgotten;
};
LAMELLAR_FIELDS(Message);

// EXPECT: structured binding|cannot decompose
#include <lamellar/serialize.hpp>

struct Base {
  int hidden;
};
struct Message : Base {
  int own;
};
LAMELLAR_FIELDS(Message, own);

// EXPECT: a pointer cannot be sent
#include <optional>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::optional<int*> field;
};
LAMELLAR_FIELDS(Message, number, field);

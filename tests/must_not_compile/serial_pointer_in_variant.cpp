// EXPECT: a pointer cannot be sent
#include <variant>
#include <vector>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::variant<int, std::vector<int*>> field;
};
LAMELLAR_FIELDS(Message, number, field);

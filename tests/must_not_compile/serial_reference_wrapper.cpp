// EXPECT: a reference, string_view, span or reference_wrapper cannot be sent
#include <functional>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::reference_wrapper<int> field;
};
LAMELLAR_FIELDS(Message, number, field);

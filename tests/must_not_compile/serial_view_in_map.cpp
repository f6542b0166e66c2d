// EXPECT: a reference, string_view, span or reference_wrapper cannot be sent
#include <map>
#include <string_view>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::map<std::string_view, int> field;
};
LAMELLAR_FIELDS(Message, number, field);

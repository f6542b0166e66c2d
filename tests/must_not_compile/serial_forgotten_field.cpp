// EXPECT: a member of the type is missing in its list
#include <string>

#include <lamellar/serialize.hpp>

struct Message {
  std::string text;
  int numbers[3];
  int forgotten;
};
LAMELLAR_FIELDS(Message, text, numbers);

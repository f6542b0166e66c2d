// EXPECT: shared_ptr, weak_ptr, and unique_ptr
#include <memory>

#include <lamellar/serialize.hpp>

struct Message {
  int number;
  std::shared_ptr<int> field;
};
LAMELLAR_FIELDS(Message, number, field);

// EXPECT: a pointer cannot be sent
#include <lamellar/serialize.hpp>

template <class T>
struct Box {
  T value;
};
LAMELLAR_FIELDS_TEMPLATE((class T), (Box<T>), value);

struct Message {
  Box<const char*> box;
};
LAMELLAR_FIELDS(Message, box);

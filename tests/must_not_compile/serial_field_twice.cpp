// EXPECT: (redeclaration|redefinition) of .*a_of_lamellar_fields
#include <lamellar/serialize.hpp>

struct Message {
  int a;
  int b;
};
LAMELLAR_FIELDS(Message, a, b, a);

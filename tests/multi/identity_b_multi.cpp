// Two files define messages of the same name in anonymous namespaces: they are different messages.
#include "helpers.hpp"

namespace multi {
namespace {

struct SameName {
  int value;
  int exec(Context&) const { return 2000 + value; }
};
LAMELLAR_AM(SameName, value);

struct SameNameOtherFields {
  double number;
  Task<double> exec(Context&) const { co_return number / 2; }
};
LAMELLAR_AM(SameNameOtherFields, number);

LAMELLAR_MULTI_TEST(Identity, SameNameInFileB, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    EXPECT_EQ(world.exec_am_pe<SameName>(pe, 7).block(), 2007);
    EXPECT_EQ(world.exec_am_pe<SameNameOtherFields>(pe, 3.0).block(), 1.5);
  }
}

}  // namespace
}  // namespace multi

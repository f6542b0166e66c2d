// Two files define messages of the same name in anonymous namespaces: they are different messages.
#include "helpers.hpp"

namespace multi {
namespace {

struct SameName {
  int value;
  int exec(Context&) const { return 1000 + value; }
};
LAMELLAR_AM(SameName, value);

struct SameNameOtherFields {
  std::string text;
  std::string exec(Context&) const { return text + " in a"; }
};
LAMELLAR_AM(SameNameOtherFields, text);

LAMELLAR_MULTI_TEST(Identity, SameNameInFileA, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    EXPECT_EQ(world.exec_am_pe<SameName>(pe, 7).block(), 1007);
    EXPECT_EQ(world.exec_am_pe<SameNameOtherFields>(pe, "hi").block(), "hi in a");
  }
}

}  // namespace
}  // namespace multi

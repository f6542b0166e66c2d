// A suite with planted failures: what the runner has to notice. See check.
#include <stdexcept>

#include "../helpers.hpp"

namespace multi {
namespace {

struct ExpectsOnePlusOne {
  int sum;
  void exec(Context&) const { EXPECT_EQ(sum, 2) << "planted in a message"; }
};
LAMELLAR_AM(ExpectsOnePlusOne, sum);

struct Fails {
  void exec(Context&) const { throw std::runtime_error("planted, and nobody waits"); }
};
LAMELLAR_AM(Fails);

LAMELLAR_MULTI_TEST(Planted, Passes, 1) {
  world.exec_am_pe<ExpectsOnePlusOne>(next_pe(world), 2).block();
}
LAMELLAR_MULTI_TEST(Planted, FailsOnPe1, 2) {
  if (world.my_pe() == 1) {
    ASSERT_EQ(1, 2) << "planted in the body";
    ADD_FAILURE() << "never reached";
  }
}
LAMELLAR_MULTI_TEST(Planted, FailsInAMessageOnPe1, 2) {
  if (world.my_pe() == 0) world.exec_am_pe<ExpectsOnePlusOne>(1, 3).detach();
}
LAMELLAR_MULTI_TEST(Planted, ThrowsOnPe1, 2) {
  if (world.my_pe() == 1) throw std::runtime_error("planted exception");
}
LAMELLAR_MULTI_TEST(Planted, SkipsItself, 2) {
  if (world.my_pe() == 1) GTEST_SKIP() << "planted reason";
}
LAMELLAR_MULTI_TEST(Planted, PassesAfterwards, 2) { world.barrier(); }
LAMELLAR_MULTI_TEST(Last, EndsTheJob, 2) {
  if (world.my_pe() == 1) world.exec_am_pe<Fails>(0).detach();
}
LAMELLAR_MULTI_TEST(Last, IsNeverReached, 2) {}

}  // namespace
}  // namespace multi

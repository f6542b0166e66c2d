#include "base/topo/machine.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/topo/binding.hpp"

namespace lamellar::base {
namespace {

// Two nodes of two cores with two hardware threads, numbered as Linux does.
const Machine kSmall{{0, 0, {0, 4}}, {0, 0, {1, 5}}, {1, 1, {2, 6}}, {1, 1, {3, 7}}};

TEST(Machine, WithoutHwlocEveryCpuIsACore) {
  EXPECT_EQ(Machine{}, plain_machine({}));
  EXPECT_EQ((Machine{{0, 0, {1}}, {0, 0, {4}}}), plain_machine({1, 4}));
}

TEST(Machine, WithinAMaskItHasItsCpusOnly) {
  EXPECT_EQ(kSmall, within(kSmall, {0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Machine{}, within(kSmall, {}));
  EXPECT_EQ((Machine{{0, 0, {1, 5}}, {1, 1, {2}}}), within(kSmall, {1, 2, 5}));
  // What it does not know is there all the same.
  EXPECT_EQ((Machine{{1, 1, {7}}, {0, 0, {8}}, {0, 0, {9}}}), within(kSmall, {7, 8, 9}));
  EXPECT_EQ(plain_machine({2, 3}), within({}, {2, 3}));
}

TEST(Machine, TravelsAsText) {
  EXPECT_EQ("0 0 0,4\n0 0 1,5\n1 1 2,6\n1 1 3,7\n", machine_text(kSmall));
  EXPECT_EQ(kSmall, parse_machine(machine_text(kSmall)));
  EXPECT_EQ(Machine{}, parse_machine(""));
  for (const char* const text :
       {"\n", "0 0\n", "0 0 \n", "x 0 1\n", "0 x 1\n", "0 0 1 2\n", "0 0 1\n\n", "0 0 1\n0"})
    EXPECT_EQ(Machine{}, parse_machine(text)) << text;
}

TEST(Machine, KnowsEveryCpuOfThisProcess) {
  const Machine machine = read_machine();
  if (machine.empty()) {
    EXPECT_EQ("", machine_reader());
    return;
  }
  EXPECT_EQ(0u, machine_reader().find("hwloc 2."));
  Cpus known;
  for (const Core& core : machine) known.insert(known.end(), core.cpus.begin(), core.cpus.end());
  std::sort(known.begin(), known.end());
  for (const std::uint32_t cpu : allowed_cpus())
    EXPECT_TRUE(std::binary_search(known.begin(), known.end(), cpu)) << cpu;
  EXPECT_EQ(known.end(), std::adjacent_find(known.begin(), known.end())) << "a cpu in two cores";
}

// hwloc on a machine that it is told of.
TEST(Machine, HasTheCoresHwlocTellsOf) {
  if (machine_reader().empty()) {
    EXPECT_EQ(Machine{}, read_machine());
    return;
  }
  setenv("HWLOC_SYNTHETIC", "pack:2 [numa] core:2 pu:2(indexes=core:pack)", 1);
  const Machine machine = read_machine();
  unsetenv("HWLOC_SYNTHETIC");
  ASSERT_EQ(4u, machine.size());
  for (std::size_t core = 0; core < 4; ++core) {
    EXPECT_EQ(core / 2, machine[core].node);
    EXPECT_EQ(core / 2, machine[core].package);
    EXPECT_EQ(2u, machine[core].cpus.size());
  }
}

}  // namespace
}  // namespace lamellar::base

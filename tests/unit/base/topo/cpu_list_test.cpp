#include "base/topo/cpu_list.hpp"

#include <gtest/gtest.h>

namespace lamellar::base {
namespace {

TEST(CpuList, IsWhatTheKernelWrites) {
  EXPECT_EQ("", cpu_list({}));
  EXPECT_EQ("0", cpu_list({0}));
  EXPECT_EQ("0-3", cpu_list({0, 1, 2, 3}));
  EXPECT_EQ("0-1,3,5-7,128", cpu_list({0, 1, 3, 5, 6, 7, 128}));
}

TEST(CpuList, IsReadBack) {
  for (const Cpus& cpus : {Cpus{}, Cpus{0}, Cpus{7}, Cpus{0, 1}, Cpus{0, 2, 4}, Cpus{3, 4, 5, 99}})
    EXPECT_EQ(cpus, parse_cpu_list(cpu_list(cpus)));
  EXPECT_EQ((Cpus{4, 5}), parse_cpu_list("4-5"));
  EXPECT_EQ((Cpus{4}), parse_cpu_list("4-4"));
}

TEST(CpuList, OtherTextIsNone) {
  for (const char* const text : {"x", ",", "1,", "-1", "1-", "2-1", "1,1", "3,1", "1 2", "1-2-3",
                                 " 1", "1\n", "4294967296", "0-4294967295", "1048576"})
    EXPECT_EQ(std::nullopt, parse_cpu_list(text)) << text;
}

}  // namespace
}  // namespace lamellar::base

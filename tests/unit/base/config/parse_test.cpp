#include "base/config/parse.hpp"

#include <gtest/gtest.h>

namespace lamellar::base {
namespace {

TEST(Parse, WholeNumbers) {
  EXPECT_EQ(parse_u64("0", false), 0u);
  EXPECT_EQ(parse_u64("18446744073709551615", false), 18446744073709551615u);
  for (const char* bad :
       {"", "-1", "+1", " 1", "1 ", "1.5", "0x10", "18446744073709551616", "1K"}) {
    EXPECT_FALSE(parse_u64(bad, false)) << bad;
  }
}

TEST(Parse, Sizes) {
  EXPECT_EQ(parse_u64("7", true), 7u);
  EXPECT_EQ(parse_u64("32K", true), 32768u);
  EXPECT_EQ(parse_u64("32k", true), 32768u);
  EXPECT_EQ(parse_u64("2MiB", true), 2u << 20);
  EXPECT_EQ(parse_u64("1gb", true), 1u << 30);
  EXPECT_EQ(parse_u64("17179869183G", true), 17179869183u * (std::uint64_t{1} << 30));
  for (const char* bad : {"K", "1T", "1KK", "1K ", "17179869184G"}) {
    EXPECT_FALSE(parse_u64(bad, true)) << bad;
  }
}

TEST(Parse, RealNumbers) {
  EXPECT_EQ(parse_f64("1.5"), 1.5);
  EXPECT_EQ(parse_f64("1e3"), 1000.0);
  for (const char* bad : {"", "nan", "inf", "1.5s", "1e999"}) EXPECT_FALSE(parse_f64(bad)) << bad;
}

TEST(Parse, Flags) {
  for (const char* yes : {"1", "true", "ON", "Yes"}) EXPECT_EQ(parse_flag(yes), true) << yes;
  for (const char* no : {"0", "False", "off", "no"}) EXPECT_EQ(parse_flag(no), false) << no;
  for (const char* bad : {"", "2", "y"}) EXPECT_FALSE(parse_flag(bad)) << bad;
}

TEST(Parse, EditDistance) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("NUM_PES", "NUM_PE"), 1u);
  EXPECT_EQ(edit_distance("NUM_PES", "NUM_PSE"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace lamellar::base

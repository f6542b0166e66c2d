#include <lamellar/detail/span_io.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace lamellar::detail {
namespace {

TEST(SpanWriter, WritesWhileItFits) {
  std::byte room[8] = {};
  SpanWriter out(room, room + 8);
  out.put_value(std::uint32_t{0x01020304});
  EXPECT_EQ(out.written(), 4u);
  out.put_value(std::uint32_t{5});
  EXPECT_TRUE(out.fits());
  EXPECT_EQ(out.needed(), 8u);
  std::uint32_t back = 0;
  std::memcpy(&back, room, 4);
  EXPECT_EQ(back, 0x01020304u);
}

TEST(SpanWriter, AfterOnePieceThatDoesNotFitItOnlyCounts) {
  std::byte room[8] = {};
  SpanWriter out(room, room + 6);
  out.put("abcd", 4);
  out.put("efgh", 4);
  out.put("i", 1);  // would fit, but the order would be broken
  EXPECT_FALSE(out.fits());
  EXPECT_EQ(out.written(), 4u);
  EXPECT_EQ(out.needed(), 9u);
  EXPECT_EQ(room[4], std::byte{0});
  EXPECT_EQ(room[5], std::byte{0});
}

TEST(SpanWriter, WithoutASpanItCounts) {
  SpanWriter out;
  out.put("abc", 3);
  out.put(nullptr, 0);
  EXPECT_EQ(out.needed(), 3u);
  EXPECT_EQ(out.written(), 0u);
}

TEST(SpanReader, TakesNothingBeyondTheEnd) {
  const std::byte bytes[5] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};
  SpanReader in(bytes, bytes + 5);
  std::uint32_t four = 0;
  ASSERT_TRUE(in.take_value(four));
  EXPECT_EQ(in.remaining(), 1u);
  EXPECT_FALSE(in.take_value(four));
  EXPECT_EQ(in.take_view(2), nullptr);
  EXPECT_FALSE(in.skip(2));
  EXPECT_EQ(in.remaining(), 1u);
  ASSERT_NE(in.take_view(1), nullptr);
  EXPECT_TRUE(in.skip(0));
  EXPECT_TRUE(in.take(nullptr, 0));
  EXPECT_FALSE(in.skip(1));
}

}  // namespace
}  // namespace lamellar::detail

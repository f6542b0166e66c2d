#include "engine/am/failure.hpp"

#include <gtest/gtest.h>
#include <lamellar/error.hpp>

namespace lamellar::engine {
namespace {

template <class Thrown>
FailureText described(Thrown thrown) {
  return describe(std::make_exception_ptr(thrown));
}

TEST(Failure, IsDescribedByTypeAndText) {
  const FailureText known = described(std::out_of_range("too far"));
  EXPECT_EQ("std::out_of_range", known.type);
  EXPECT_EQ("too far", known.what);
  EXPECT_EQ("int", described(5).type);
  EXPECT_EQ("(not a std::exception: no text)", described(5).what);
  EXPECT_EQ("text", described("text").what);
  EXPECT_EQ("string", described(std::string("string")).what);
  EXPECT_EQ("lamellar::JobFailed", described(JobFailed(1, "why")).type);
}

TEST(Failure, TravelsAsBytes) {
  const FailureBody body{{"std::logic_error", "what it says"}, "Hello", 3};
  std::byte bytes[256];
  detail::SpanWriter to(bytes, bytes + sizeof bytes);
  encode_failure(&body, to);
  ASSERT_TRUE(to.fits());
  detail::SpanReader from(bytes, bytes + to.written());
  try {
    std::rethrow_exception(decode_failure(from));
  } catch (const RemoteError& error) {
    EXPECT_EQ("std::logic_error", error.type_name());
    EXPECT_EQ("what it says", error.remote_what());
    EXPECT_EQ("Hello", error.am());
    EXPECT_EQ(3u, error.pe());
  }
  // Cut off anywhere, it is told so.
  for (std::size_t size = 0; size < to.written(); ++size) {
    detail::SpanReader cut(bytes, bytes + size);
    EXPECT_THROW(std::rethrow_exception(decode_failure(cut)), DecodeError) << size;
  }
}

TEST(Failure, LengthsThatLieAreRefused) {
  std::byte bytes[64];
  std::memset(bytes, 0xff, sizeof bytes);
  detail::SpanReader from(bytes, bytes + sizeof bytes);
  EXPECT_THROW(std::rethrow_exception(decode_failure(from)), DecodeError);
}

}  // namespace
}  // namespace lamellar::engine

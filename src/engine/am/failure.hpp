#pragma once
// Exceptions as bytes, and as text.
#include <exception>
#include <string>

#include <lamellar/detail/span_io.hpp>
#include <lamellar/types.hpp>

namespace lamellar::engine {

struct FailureText {
  std::string type;  // as written in C++
  std::string what;
};
FailureText describe(const std::exception_ptr& error);

// What a failed AM answers with: type, what(), AM, PE.
struct FailureBody {
  FailureText text;
  std::string am;
  Pe pe = 0;
};
void encode_failure(const void* body, detail::SpanWriter& to);
// RemoteError; DecodeError for bytes that are not that.
std::exception_ptr decode_failure(detail::SpanReader& from);

}  // namespace lamellar::engine

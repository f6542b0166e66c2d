#include <string>

#include <lamellar/error.hpp>
#include <lamellar/serialize.hpp>

// The cold paths of the codecs: what they throw.

namespace lamellar::detail {

namespace {

std::string bytes_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

constexpr const char* kAdvice = "; the bytes are truncated, broken or of another type";

}  // namespace

void throw_truncated(std::size_t wanted, std::size_t left) {
  throw DecodeError("cannot decode: the next value needs " + bytes_text(wanted) + ", " +
                    bytes_text(left) + " are left" + kAdvice);
}

void throw_bad_count(std::uint64_t count, std::size_t left) {
  throw DecodeError("cannot decode: a container claims " + std::to_string(count) +
                    " elements, the " + bytes_text(left) + " that are left do not hold them" +
                    kAdvice);
}

void throw_bad_value(const char* what, std::uint64_t value) {
  throw DecodeError("cannot decode: " + std::to_string(value) + " is not a value of " + what +
                    kAdvice);
}

void throw_bad_user_type(const char* what) {
  throw DecodeError(std::string("cannot decode: the load function of a type failed: ") + what);
}

void throw_too_deep(bool decoding) {
  const std::string limit = "containers and pointers nest deeper than " +
                            std::to_string(kMaxDepth) + " levels";
  if (decoding) throw DecodeError("cannot decode: " + limit);
  throw Error("cannot encode: " + limit + "; send a flat container instead of a chain");
}

void throw_valueless_variant() {
  throw Error("cannot encode: a variant is valueless_by_exception; assign a value first");
}

void throw_bytes_left(std::size_t left) {
  throw DecodeError("cannot decode: " + bytes_text(left) + " are left after the value" + kAdvice);
}

}  // namespace lamellar::detail

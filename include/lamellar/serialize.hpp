#pragma once
// What travels between PEs, and how it becomes bytes.
//
//   struct Point { double x, y; std::string name; };
//   LAMELLAR_FIELDS(Point, x, y, name);             // beside Point, every member
//
// Numbers, enums, the usual standard types and listed types work by themselves; a type with a
// cereal serialize(), or save() and load(), works without a list. serialize_more.hpp adds chrono,
// complex and forward_list. Types that refer to memory of one PE (pointers, references, views) are
// refused at compile time; see wire_safe and wire_safe_override.
// The encoding is that of one build on one kind of machine: both sides run the same program.

#include <cstddef>
#include <type_traits>

#include <lamellar/detail/archive.hpp>
#include <lamellar/detail/codec.hpp>
#include <lamellar/detail/codec_std.hpp>
#include <lamellar/detail/fields.hpp>
#include <lamellar/detail/span_io.hpp>
#include <lamellar/detail/wire_safe.hpp>

namespace lamellar::detail {

// UNITS: bytes of every encoding of T, or kVariable.
template <class T>
inline constexpr std::size_t fixed_wire_size = Codec<std::remove_cv_t<T>>::fixed_size();

// Appends the encoding of value. What does not fit is counted, not written (SpanWriter).
// BLOCKS: never. ERRORS: Error when containers nest deeper than kMaxDepth; what a serialize() of
// the user throws. The writer then holds a part of the encoding.
template <class T>
void encode(const T& value, SpanWriter& out) {
  require_wire_safe<T>();
  Encoder encoder{out};
  Codec<T>::put(encoder, value);
}

// UNITS: bytes that encode() needs for this value.
template <class T>
std::size_t encoded_size(const T& value) {
  if constexpr (fixed_wire_size<T> != kVariable) {
    require_wire_safe<T>();
    return fixed_wire_size<T>;
  } else {
    SpanWriter counter;
    encode(value, counter);
    return counter.needed();
  }
}

// Replaces value by the next one of in; the bytes after it stay.
// ERRORS: DecodeError when the bytes are no encoding of a T; value is then unspecified but valid.
template <class T>
void decode_into(T& value, SpanReader& in) {
  require_wire_safe<T>();
  Decoder decoder{in};
  Codec<T>::get(decoder, value);
}

// REQUIRES: T is default constructible. ERRORS: DecodeError.
template <class T>
T decode(SpanReader& in) {
  T value{};
  decode_into(value, in);
  return value;
}

// ERRORS: DecodeError when bytes are left.
inline void expect_end(const SpanReader& in) {
  if (in.remaining() != 0) throw_bytes_left(in.remaining());
}

}  // namespace lamellar::detail

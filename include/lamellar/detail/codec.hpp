#pragma once
// How a type is written to and read from bytes. Codec<T> has
//   culprit          NoCulprit, or the type inside T that may not travel
//   trivial()        the object representation is the encoding
//   fixed_size()     UNITS: bytes of every encoding, or kVariable
//   may_be_empty()   some encoding may have no bytes at all
//   put(Encoder&, const T&)
//   get(Decoder&, T&)              ERRORS: DecodeError; the value is then unspecified but valid
//   skip(SpanReader&, depth)       passes over one encoding without making a value
// Decoding never allocates by a count that was only claimed: containers first make sure that the
// bytes hold all elements, or grow with what was decoded. codec_std.hpp has the standard types.

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include <lamellar/detail/archive.hpp>
#include <lamellar/detail/span_io.hpp>

namespace lamellar {

// Specialise as std::true_type for a type of yours that is safe to send although the library cannot
// see it (its bytes are copied when it is trivially copyable), as std::false_type to refuse one.
template <class T>
struct wire_safe_override {};

namespace detail {

inline constexpr std::size_t kVariable = static_cast<std::size_t>(-1);
// Containers and pointers inside each other; bounds the stack that hostile bytes can use.
inline constexpr unsigned kMaxDepth = 512;

struct NoCulprit {};

enum class Skip : std::uint8_t { kOk, kBad, kUnknown };  // kUnknown: only decoding can tell

template <class T>
struct Codec;

// Refuses, at compile time and with the reason, a type that may not travel (wire_safe.hpp).
template <class T>
consteval void require_wire_safe();

template <class... Ts>
struct FirstCulprit {
  using type = NoCulprit;
};
template <class T, class... Rest>
struct FirstCulprit<T, Rest...> {
  using own = typename Codec<T>::culprit;
  using type = typename std::conditional_t<std::is_same_v<own, NoCulprit>, FirstCulprit<Rest...>,
                                           std::type_identity<own>>::type;
};
template <class... Ts>
using first_culprit_t = typename FirstCulprit<Ts...>::type;

// The types of the members of a listed type, as they were declared. The list of a class template
// is checked for each instance, when it is first sent.
template <class... Ts>
struct FieldTypes {};
template <class... Ts>
struct TemplateFieldTypes {};

// Listed with LAMELLAR_FIELDS; exact, a derived class is not listed by its base.
template <class T>
concept Listed = requires { lamellar_field_types(std::type_identity<T>{}); };
template <class T>
using field_types_t = decltype(lamellar_field_types(std::type_identity<T>{}));

template <class T>
concept Overridden = requires { wire_safe_override<T>::value; };

template <class T>
concept CerealType = std::is_class_v<T> &&
                     cereal::traits::is_output_serializable<T, OutArchive>::value &&
                     cereal::traits::is_input_serializable<T, InArchive>::value;

enum class Kind : std::uint8_t { kBytes, kBool, kListed, kEmpty, kCereal, kRefused };

template <class T>
consteval Kind kind_of() {
  if constexpr (Overridden<T>) {
    if constexpr (!wire_safe_override<T>::value) {
      return Kind::kRefused;
    } else if constexpr (Listed<T>) {
      return Kind::kListed;
    } else if constexpr (std::is_trivially_copyable_v<T>) {
      return Kind::kBytes;
    } else if constexpr (CerealType<T>) {
      return Kind::kCereal;
    } else {
      return Kind::kRefused;
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    return Kind::kBool;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return Kind::kBytes;
  } else if constexpr (!std::is_class_v<T> && !std::is_union_v<T>) {
    return Kind::kRefused;
  } else if constexpr (Listed<T>) {
    return Kind::kListed;
  } else if constexpr (std::is_empty_v<T> && std::is_trivially_copyable_v<T> &&
                       std::is_default_constructible_v<T>) {
    return Kind::kEmpty;
  } else if constexpr (CerealType<T>) {
    return Kind::kCereal;
  } else {
    return Kind::kRefused;
  }
}

template <class T, Kind kind>
struct PlainCodec;

template <class T>
struct Codec : PlainCodec<T, kind_of<T>()> {};

// What most containers have in common.
struct VariableCodec {
  static consteval bool trivial() { return false; }
  static consteval std::size_t fixed_size() { return kVariable; }
  static consteval bool may_be_empty() { return false; }
};

template <class... Ts>
consteval std::size_t sum_of_fixed_sizes() {
  if (((Codec<Ts>::fixed_size() == kVariable) || ...)) return kVariable;
  return (std::size_t{0} + ... + Codec<Ts>::fixed_size());
}

inline Skip skip_bytes(SpanReader& in, std::size_t size) {
  return in.skip(size) ? Skip::kOk : Skip::kBad;
}

template <class... Ts>
Skip skip_all(SpanReader& in, unsigned depth) {
  Skip result = Skip::kOk;
  (void)((result = Codec<Ts>::skip(in, depth), result == Skip::kOk) && ...);
  return result;
}

template <class T>
struct PlainCodec<T, Kind::kRefused> : VariableCodec {
  using culprit = T;
};

template <class T>
struct PlainCodec<T, Kind::kBytes> {
  using culprit = NoCulprit;
  static consteval bool trivial() { return true; }
  static consteval std::size_t fixed_size() { return sizeof(T); }
  static consteval bool may_be_empty() { return false; }
  static void put(Encoder& to, const T& value) { to.out.put(&value, sizeof(T)); }
  static void get(Decoder& from, T& value) { take_or_throw(from.in, &value, sizeof(T)); }
  static Skip skip(SpanReader& in, unsigned) { return skip_bytes(in, sizeof(T)); }
};

template <class T>
struct PlainCodec<T, Kind::kBool> {
  using culprit = NoCulprit;
  static consteval bool trivial() { return false; }  // other bytes than 0 and 1 must not become one
  static consteval std::size_t fixed_size() { return 1; }
  static consteval bool may_be_empty() { return false; }
  static void put(Encoder& to, bool value) {
    const std::uint8_t byte = value ? 1 : 0;
    to.out.put(&byte, 1);
  }
  static void get(Decoder& from, bool& value) {
    std::uint8_t byte = 0;
    take_or_throw(from.in, &byte, 1);
    if (byte > 1) throw_bad_value("a bool", byte);
    value = byte != 0;
  }
  static Skip skip(SpanReader& in, unsigned) { return skip_bytes(in, 1); }
};

template <class T>
struct PlainCodec<T, Kind::kEmpty> {
  using culprit = NoCulprit;
  static consteval bool trivial() { return false; }
  static consteval std::size_t fixed_size() { return 0; }
  static consteval bool may_be_empty() { return true; }
  static void put(Encoder&, const T&) {}
  static void get(Decoder&, T&) {}
  static Skip skip(SpanReader&, unsigned) { return Skip::kOk; }
};

template <class T, class Types>
struct ListedCodec;

template <class T, class... Fs>
struct ListedCodec<T, FieldTypes<Fs...>> {
  using culprit = NoCulprit;  // LAMELLAR_FIELDS has checked every field
  static consteval bool trivial() {
    return sizeof...(Fs) > 0 && std::is_trivially_copyable_v<T> && (Codec<Fs>::trivial() && ...);
  }
  static consteval std::size_t fixed_size() {
    if constexpr (trivial()) {
      return sizeof(T);
    } else {
      return sum_of_fixed_sizes<Fs...>();
    }
  }
  static consteval bool may_be_empty() { return (Codec<Fs>::may_be_empty() && ...); }
  static void put(Encoder& to, const T& value) {
    using Checked [[maybe_unused]] = decltype(lamellar_fields(value));
    if constexpr (trivial()) {
      to.out.put(&value, sizeof(T));
    } else {
      std::apply([&](const Fs&... fields) { (Codec<Fs>::put(to, fields), ...); },
                 lamellar_fields(value));
    }
  }
  static void get(Decoder& from, T& value) {
    if constexpr (trivial()) {
      take_or_throw(from.in, &value, sizeof(T));
    } else {
      std::apply([&](Fs&... fields) { (Codec<Fs>::get(from, fields), ...); },
                 lamellar_fields(value));
    }
  }
  static Skip skip(SpanReader& in, unsigned depth) {
    if constexpr (fixed_size() != kVariable) {
      return skip_bytes(in, fixed_size());
    } else {
      return skip_all<Fs...>(in, depth);
    }
  }
};

template <class T, class... Fs>
struct ListedCodec<T, TemplateFieldTypes<Fs...>> : ListedCodec<T, FieldTypes<Fs...>> {
  using culprit =
      typename std::conditional_t<Overridden<T>, FirstCulprit<>, FirstCulprit<Fs...>>::type;
};

template <class T>
struct PlainCodec<T, Kind::kListed> : ListedCodec<T, field_types_t<T>> {};

template <class T>
struct PlainCodec<T, Kind::kCereal> {
  using culprit = NoCulprit;
  static consteval bool trivial() { return false; }
  static consteval std::size_t fixed_size() { return kVariable; }
  static consteval bool may_be_empty() { return true; }
  static void put(Encoder& to, const T& value) { to.cereal().through_cereal(value); }
  static void get(Decoder& from, T& value) {
    try {
      from.cereal().through_cereal(value);
    } catch (const cereal::Exception& error) {
      throw_bad_user_type(error.what());
    }
  }
  static Skip skip(SpanReader&, unsigned) { return Skip::kUnknown; }
};

// One more level, for as long as it lives.
class DepthScope {
 public:
  DepthScope(unsigned& depth, bool decoding) : depth_(depth) {
    if (depth >= kMaxDepth) [[unlikely]] throw_too_deep(decoding);
    ++depth_;
  }
  ~DepthScope() { --depth_; }
  DepthScope(const DepthScope&) = delete;
  DepthScope& operator=(const DepthScope&) = delete;

 private:
  unsigned& depth_;
};

// Elements of containers. One whose encoding may be empty gets a byte of its own, so that a count
// is never larger than the number of bytes that follow.
template <class T>
inline constexpr std::size_t kElementPadding = Codec<T>::may_be_empty() ? 1 : 0;

inline void put_padding(Encoder& to, std::size_t size) {
  const std::byte zero{};
  to.out.put(&zero, size);
}

inline void get_padding(Decoder& from, std::size_t size) {
  if (!from.in.skip(size)) throw_truncated(size, from.in.remaining());
}

template <class T>
void put_element(Encoder& to, const T& value) {
  Codec<T>::put(to, value);
  if constexpr (kElementPadding<T> != 0) put_padding(to, kElementPadding<T>);
}

template <class T>
void get_element(Decoder& from, T& value) {
  Codec<T>::get(from, value);
  if constexpr (kElementPadding<T> != 0) get_padding(from, kElementPadding<T>);
}

// True when count elements of T can be in the bytes of in by their smallest sizes.
template <class T>
bool count_is_possible(const SpanReader& in, std::uint64_t count) {
  constexpr std::size_t fixed = Codec<T>::fixed_size();
  constexpr std::size_t smallest = fixed == kVariable ? 1 : fixed + kElementPadding<T>;
  return count <= in.remaining() / smallest;
}

template <class T>
Skip skip_elements(SpanReader& in, std::uint64_t count, unsigned depth) {
  if (!count_is_possible<T>(in, count)) return Skip::kBad;
  if constexpr (Codec<T>::fixed_size() != kVariable) {
    return skip_bytes(in, count * (Codec<T>::fixed_size() + kElementPadding<T>));
  } else {
    for (; count != 0; --count) {
      const Skip element = Codec<T>::skip(in, depth);
      if (element != Skip::kOk) return element;
      if (!in.skip(kElementPadding<T>)) return Skip::kBad;
    }
    return Skip::kOk;
  }
}

// A count and its elements, as every container has them.
template <class T>
Skip skip_counted(SpanReader& in, unsigned depth) {
  std::uint64_t count = 0;
  if (depth >= kMaxDepth || !take_count(in, count)) return Skip::kBad;
  return skip_elements<T>(in, count, depth + 1);
}

// The count of a container of T; refused when the bytes cannot hold that many.
template <class T>
std::size_t get_count(Decoder& from) {
  std::uint64_t count = 0;
  if (!take_count(from.in, count)) throw_truncated(1, from.in.remaining());
  if (!count_is_possible<T>(from.in, count)) throw_bad_count(count, from.in.remaining());
  return static_cast<std::size_t>(count);
}

// Makes sure, before anything is allocated for them, that count elements of T are there. exact()
// is false when that cannot be told; the caller then grows with what it has decoded.
class VerifiedScope {
 public:
  VerifiedScope(Decoder& from, Skip elements) noexcept
      : from_(from), before_(from.verified), exact_(elements == Skip::kOk) {
    from.verified = before_ || exact_;
  }
  ~VerifiedScope() { from_.verified = before_; }
  VerifiedScope(const VerifiedScope&) = delete;
  VerifiedScope& operator=(const VerifiedScope&) = delete;
  bool exact() const noexcept { return exact_; }

  template <class T>
  static Skip look_ahead(const Decoder& from, std::size_t count) {
    if (from.verified) return Skip::kOk;
    SpanReader ahead = from.in;
    const Skip result = skip_elements<T>(ahead, count, from.depth);
    if (result == Skip::kBad) throw_bad_count(count, from.in.remaining());
    return result;
  }

 private:
  Decoder& from_;
  bool before_;
  bool exact_;
};

template <class T>
void OutArchive::one(const T& value) {
  using U = std::remove_cvref_t<T>;
  if constexpr (!is_cereal_wrapper<U>) {
    require_wire_safe<U>();
    Codec<U>::put(encoder_, value);
  } else if constexpr (requires { value.name; value.value; }) {
    one(value.value);
  } else if constexpr (requires { value.data; value.size; }) {
    saveBinary(value.data, static_cast<std::size_t>(value.size));
  } else if constexpr (requires { value.size; }) {
    save_size(static_cast<std::uint64_t>(value.size));
  } else {
    Base::operator()(value);
  }
}

template <class T>
void InArchive::one(T& value) {
  using U = std::remove_cvref_t<T>;
  if constexpr (!is_cereal_wrapper<U>) {
    require_wire_safe<U>();
    Codec<U>::get(decoder_, value);
  } else if constexpr (requires { value.name; value.value; }) {
    one(value.value);
  } else if constexpr (requires { value.data; value.size; }) {
    loadBinary(value.data, static_cast<std::size_t>(value.size));
  } else if constexpr (requires { value.size; }) {
    value.size = static_cast<std::remove_cvref_t<decltype(value.size)>>(load_size());
  } else {
    Base::operator()(value);
  }
}

}  // namespace detail
}  // namespace lamellar

#pragma once
// The archives that types with a cereal serialize(), or save() and load(), get to see: binary,
// native byte order, straight into and out of a span. No stream, no temporary string.

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <type_traits>

#include <cereal/cereal.hpp>

#include <lamellar/detail/span_io.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

struct Encoder;
struct Decoder;

// What cereal wraps around values on their way into an archive.
template <class T>
inline constexpr bool is_cereal_wrapper = false;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::NameValuePair<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::SizeTag<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::BinaryData<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::DeferredData<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::base_class<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::virtual_base_class<T>> = true;

// LIFETIME: within one encode(). THREADS: one.
class OutArchive : public cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision> {
  using Base = cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision>;

 public:
  explicit OutArchive(Encoder& encoder) noexcept : Base(this), encoder_(encoder) {}

  template <class... Ts>
  OutArchive& operator()(Ts&&... values) {
    (one(values), ...);
    return *this;
  }
  template <class T>
  OutArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  OutArchive& operator<<(T&& value) {
    return (*this)(value);
  }
  inline void saveBinary(const void* from, std::size_t size);
  inline void save_size(std::uint64_t size);

  // Calls the serialization function of a user's type.
  template <class T>
  void through_cereal(const T& value) {
    Base::operator()(value);
  }

 private:
  template <class T>
  void one(const T& value);  // in codec.hpp
  Encoder& encoder_;
};

// ERRORS: DecodeError. LIFETIME: within one decode(). THREADS: one.
class InArchive : public cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision> {
  using Base = cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision>;

 public:
  explicit InArchive(Decoder& decoder) noexcept : Base(this), decoder_(decoder) {}

  template <class... Ts>
  InArchive& operator()(Ts&&... values) {
    (one(values), ...);
    return *this;
  }
  template <class T>
  InArchive& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  InArchive& operator>>(T&& value) {
    return (*this)(value);
  }
  inline void loadBinary(void* to, std::size_t size);
  // A size is refused when it is larger than the number of bytes left, since an element needs at
  // least one. A load() of a user that allocates by it stays within (element size) x (bytes left).
  inline std::uint64_t load_size();

  template <class T>
  void through_cereal(T& value) {
    Base::operator()(value);
  }

 private:
  template <class T>
  void one(T& value);  // in codec.hpp
  Decoder& decoder_;
};

// Room for an archive that most encodings never need. (Not std::optional: g++ 12 takes it for
// uninitialized under -fsanitize=address.)
template <class Archive>
class LazyArchive {
 public:
  LazyArchive() = default;
  ~LazyArchive() {
    if (archive_ != nullptr) archive_->~Archive();
  }
  LazyArchive(const LazyArchive&) = delete;
  LazyArchive& operator=(const LazyArchive&) = delete;

  template <class Coder>
  Archive& get(Coder& coder) {
    if (archive_ == nullptr) archive_ = ::new (static_cast<void*>(room_)) Archive(coder);
    return *archive_;
  }

 private:
  Archive* archive_ = nullptr;
  alignas(Archive) std::byte room_[sizeof(Archive)];
};

// One encode() under way.
struct Encoder {
  explicit Encoder(SpanWriter& writer) noexcept : out(writer) {}
  OutArchive& cereal() { return archive.get(*this); }

  SpanWriter& out;
  unsigned depth = 0;
  LazyArchive<OutArchive> archive;
};

// One decode() under way.
struct Decoder {
  explicit Decoder(SpanReader& reader) noexcept : in(reader) {}
  InArchive& cereal() { return archive.get(*this); }

  SpanReader& in;
  unsigned depth = 0;
  bool verified = false;  // everything below the current value is known to be there
  LazyArchive<InArchive> archive;
};

[[noreturn]] LAMELLAR_API void throw_truncated(std::size_t wanted, std::size_t left);
[[noreturn]] LAMELLAR_API void throw_bad_count(std::uint64_t count, std::size_t left);
[[noreturn]] LAMELLAR_API void throw_bad_value(const char* what, std::uint64_t value);
[[noreturn]] LAMELLAR_API void throw_bad_user_type(const char* what);
[[noreturn]] LAMELLAR_API void throw_too_deep(bool decoding);
[[noreturn]] LAMELLAR_API void throw_valueless_variant();
[[noreturn]] LAMELLAR_API void throw_bytes_left(std::size_t left);

inline void take_or_throw(SpanReader& in, void* to, std::size_t size) {
  if (!in.take(to, size)) [[unlikely]] throw_truncated(size, in.remaining());
}

// A count: seven bits a byte, lowest first, the top bit says that more follow.
inline void put_count(SpanWriter& out, std::uint64_t count) noexcept {
  if (count < 0x80) [[likely]] {
    const auto byte = static_cast<std::byte>(count);
    out.put(&byte, 1);
    return;
  }
  std::byte bytes[10];
  std::size_t size = 0;
  for (; count >= 0x80; count >>= 7) bytes[size++] = static_cast<std::byte>(count | 0x80);
  bytes[size++] = static_cast<std::byte>(count);
  out.put(bytes, size);
}

// False when the bytes end or the count has more than 64 bits.
[[nodiscard]] inline bool take_count(SpanReader& in, std::uint64_t& count) noexcept {
  count = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    std::uint8_t byte = 0;
    if (!in.take(&byte, 1)) return false;
    const std::uint64_t bits = byte & 0x7f;
    if (shift == 63 && bits > 1) return false;
    count |= bits << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

inline void OutArchive::saveBinary(const void* from, std::size_t size) {
  encoder_.out.put(from, size);
}
inline void OutArchive::save_size(std::uint64_t size) { put_count(encoder_.out, size); }
inline void InArchive::loadBinary(void* to, std::size_t size) {
  take_or_throw(decoder_.in, to, size);
}
inline std::uint64_t InArchive::load_size() {
  std::uint64_t size = 0;
  if (!take_count(decoder_.in, size)) throw_truncated(1, decoder_.in.remaining());
  if (size > decoder_.in.remaining()) throw_bad_count(size, decoder_.in.remaining());
  return size;
}

// The functions cereal itself looks for (versions, values of save_minimal, wrapped bases).
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(OutArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(InArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(OutArchive& archive, cereal::SizeTag<T>& tag) {
  archive(tag);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(InArchive& archive, cereal::SizeTag<T>& tag) {
  archive(tag);
}
template <class T>
  requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& archive, const T& value) {
  archive(value);
}
template <class T>
  requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& archive, T& value) {
  archive(value);
}
template <class C, class R, class A>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& archive, const std::basic_string<C, R, A>& value) {
  archive(value);
}
template <class C, class R, class A>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& archive, std::basic_string<C, R, A>& value) {
  archive(value);
}

}  // namespace lamellar::detail

CEREAL_SETUP_ARCHIVE_TRAITS(lamellar::detail::InArchive, lamellar::detail::OutArchive)

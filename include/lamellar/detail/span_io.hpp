#pragma once
// Bounded writing into and reading from bytes somebody else owns. Neither allocates nor throws.
// THREADS: one at a time. LIFETIME: the span outlives the writer or reader.

#include <cstddef>
#include <cstring>

namespace lamellar::detail {

// Writes while everything fits. Once a piece does not fit, nothing more is written and only the
// length is counted, so that needed() is the exact total size of the encoding.
struct SpanWriter {
  std::byte* at = nullptr;
  std::byte* end = nullptr;
  std::size_t overflow = 0;  // UNITS: bytes that were not written
  std::byte* begin = nullptr;

  SpanWriter() = default;  // counts only
  SpanWriter(std::byte* first, std::byte* last) noexcept : at(first), end(last), begin(first) {}

  void put(const void* from, std::size_t size) noexcept {
    if (overflow == 0 && size <= static_cast<std::size_t>(end - at)) [[likely]] {
      if (size != 0) std::memcpy(at, from, size);
      at += size;
    } else {
      overflow += size;
    }
  }
  template <class T>
  void put_value(const T& value) noexcept {
    put(&value, sizeof value);
  }

  bool fits() const noexcept { return overflow == 0; }
  std::size_t written() const noexcept { return static_cast<std::size_t>(at - begin); }
  std::size_t needed() const noexcept { return written() + overflow; }
};

// Reads front to back; a piece that is not there wholly is not taken at all.
struct SpanReader {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;

  SpanReader() = default;
  SpanReader(const std::byte* first, const std::byte* last) noexcept : at(first), end(last) {}

  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end - at); }

  // False, with nothing taken, when fewer than size bytes remain.
  [[nodiscard]] bool take(void* to, std::size_t size) noexcept {
    if (size > remaining()) [[unlikely]] return false;
    if (size != 0) std::memcpy(to, at, size);
    at += size;
    return true;
  }
  template <class T>
  [[nodiscard]] bool take_value(T& value) noexcept {
    return take(&value, sizeof value);
  }
  // The next size bytes in place; nullptr when fewer remain.
  const std::byte* take_view(std::size_t size) noexcept {
    if (size > remaining()) [[unlikely]] return nullptr;
    const std::byte* view = at;
    at += size;
    return view;
  }
  [[nodiscard]] bool skip(std::size_t size) noexcept {
    if (size > remaining()) return false;
    at += size;
    return true;
  }
};

}  // namespace lamellar::detail

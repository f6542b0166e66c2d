#pragma once
// Writes JSON.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lamellar::tools {

// `text` in quotes. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

// Objects and arrays, one member a line. Keys are for members of objects, empty ones for those of
// arrays.
class JsonWriter {
 public:
  JsonWriter& begin_object(std::string_view key = {}) { return begin(key, '{'); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& begin_array(std::string_view key = {}) { return begin(key, '['); }
  JsonWriter& end_array() { return end(']'); }
  JsonWriter& text(std::string_view key, std::string_view value) {
    return raw(key, json_string(value));
  }
  JsonWriter& number(std::string_view key, std::uint64_t value) {
    return raw(key, std::to_string(value));
  }
  // null when there is none.
  JsonWriter& number(std::string_view key, const std::optional<std::uint64_t>& value) {
    return raw(key, value ? std::to_string(*value) : "null");
  }
  JsonWriter& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }

  // What was written, with a line end.
  std::string take() { return std::move(out_) + "\n"; }

 private:
  JsonWriter& begin(std::string_view key, char bracket);
  JsonWriter& end(char bracket);
  JsonWriter& raw(std::string_view key, std::string_view value);
  void new_line();

  std::string out_;
  unsigned depth_ = 0;
  bool first_ = true;
};

}  // namespace lamellar::tools

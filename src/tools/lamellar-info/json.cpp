#include "tools/lamellar-info/json.hpp"

#include <cstdio>

namespace lamellar::tools {
namespace {

// The length of the UTF-8 character that text begins with; 0 when it begins with none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Longer than needed, a surrogate, above U+10FFFF.
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const char c = text[0];
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

void JsonWriter::new_line() {
  if (depth_ == 0) return;
  out_ += first_ ? "\n" : ",\n";
  out_.append(2 * std::size_t{depth_}, ' ');
}

JsonWriter& JsonWriter::raw(std::string_view key, std::string_view value) {
  new_line();
  if (!key.empty()) out_ += json_string(key) + ": ";
  out_ += value;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::begin(std::string_view key, char bracket) {
  raw(key, std::string_view(&bracket, 1));
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  --depth_;
  if (!first_) {
    out_ += '\n';
    out_.append(2 * std::size_t{depth_}, ' ');
  }
  out_ += bracket;
  first_ = false;
  return *this;
}

}  // namespace lamellar::tools

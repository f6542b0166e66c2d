#include "lamellae/bootstrap/wire_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace lamellar::lamellae {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int, 256> make_reverse() {
  std::array<int, 256> reverse{};
  for (int& value : reverse) value = -1;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    reverse[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
  return reverse;
}
constexpr std::array<int, 256> kReverse = make_reverse();

}  // namespace

WireLine& WireLine::add(std::string_view name, std::string_view value) {
  pairs_.emplace_back(name, value);
  return *this;
}

WireLine& WireLine::add(std::string_view name, std::uint64_t value) {
  return add(name, std::string_view(std::to_string(value)));
}

std::string WireLine::text() const {
  std::string line;
  for (const auto& [name, value] : pairs_) {
    if (!line.empty()) line += ' ';
    line += name;
    line += '=';
    line += value;
  }
  return line + '\n';
}

WireLine WireLine::parse(std::string_view line) {
  WireLine parsed;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    const std::size_t sign = word.find('=');
    if (sign != std::string_view::npos && sign != 0)
      parsed.add(word.substr(0, sign), word.substr(sign + 1));
  }
  return parsed;
}

std::string_view WireLine::value(std::string_view name) const noexcept {
  for (const auto& pair : pairs_)
    if (pair.first == name) return pair.second;
  return {};
}

bool WireLine::has(std::string_view name) const noexcept {
  for (const auto& pair : pairs_)
    if (pair.first == name) return true;
  return false;
}

std::optional<std::uint64_t> WireLine::number(std::string_view name) const noexcept {
  const std::string_view text = value(name);
  std::uint64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return result;
}

std::string to_text(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
  return text;
}

std::optional<std::string> from_text(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char character : text) {
    const int value = kReverse[static_cast<unsigned char>(character)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255);
    }
  }
  return bytes;
}

}  // namespace lamellar::lamellae

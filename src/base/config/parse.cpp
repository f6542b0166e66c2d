#include "base/config/parse.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <vector>

namespace lamellar::base {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The shift of "", "k", "kb", "kib", ...; nothing for anything else.
std::optional<unsigned> suffix_shift(std::string_view text) {
  if (text.empty()) return 0;
  std::string suffix = lower(text);
  if (suffix.size() > 1 && suffix.substr(1) != "b" && suffix.substr(1) != "ib") return {};
  switch (suffix[0]) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    default: return {};
  }
}

}  // namespace

std::optional<std::uint64_t> parse_u64(std::string_view text, bool suffixes) {
  std::uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc()) return {};
  const std::string_view tail(rest, static_cast<std::size_t>(last - rest));
  if (!suffixes) return tail.empty() ? std::optional(number) : std::nullopt;
  const std::optional<unsigned> shift = suffix_shift(tail);
  if (!shift || number > (std::numeric_limits<std::uint64_t>::max() >> *shift)) return {};
  return number << *shift;
}

std::optional<double> parse_f64(std::string_view text) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || rest != last || !std::isfinite(number)) return {};
  return number;
}

std::optional<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "1" || word == "true" || word == "on" || word == "yes") return true;
  if (word == "0" || word == "false" || word == "off" || word == "no") return false;
  return {};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace lamellar::base

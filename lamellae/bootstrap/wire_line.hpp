#pragma once
// A line of the PMI-1 wire protocol (MPICH, src/pmi/simple): name=value pairs with blanks between
// them, the first one cmd=..., a newline at the end. Both sides use it.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamellar::lamellae {

class WireLine {
 public:
  // A line to be sent.
  explicit WireLine(std::string_view command) { add("cmd", command); }
  // REQUIRES: no blank and no newline in value.
  WireLine& add(std::string_view name, std::string_view value);
  WireLine& add(std::string_view name, std::uint64_t value);
  // With the newline.
  std::string text() const;

  // A line that came, without its newline; what is no pair is left out.
  static WireLine parse(std::string_view line);
  // Empty when there is no such pair.
  std::string_view value(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept;
  std::string_view command() const noexcept { return value("cmd"); }
  // The value as a number; nothing when it is missing or no number.
  std::optional<std::uint64_t> number(std::string_view name) const noexcept;

 private:
  WireLine() = default;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Bytes as text without blanks, and back: base64 with the URL alphabet (RFC 4648), not padded.
std::string to_text(std::string_view bytes);
// Nothing when it is no such text.
std::optional<std::string> from_text(std::string_view text);

}  // namespace lamellar::lamellae

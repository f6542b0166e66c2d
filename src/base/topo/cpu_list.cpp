#include "base/topo/cpu_list.hpp"

#include <charconv>
#include <cstddef>

namespace lamellar::base {
namespace {

constexpr std::uint32_t kMostCpus = 1u << 20;

// Takes a number off the front of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number >= kMostCpus) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string cpu_list(const Cpus& cpus) {
  std::string list;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const std::size_t first = i;
    while (i + 1 < cpus.size() && cpus[i + 1] == cpus[i] + 1) ++i;
    if (!list.empty()) list += ',';
    list += std::to_string(cpus[first]);
    if (i != first) list += '-' + std::to_string(cpus[i]);
  }
  return list;
}

std::optional<Cpus> parse_cpu_list(std::string_view text) {
  Cpus cpus;
  if (text.empty()) return cpus;
  do {
    const auto first = take_number(text);
    const auto last = first && take(text, '-') ? take_number(text) : first;
    if (!last || *last < *first || (!cpus.empty() && *first <= cpus.back())) return std::nullopt;
    for (std::uint32_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  } while (take(text, ','));
  if (!text.empty()) return std::nullopt;
  return cpus;
}

}  // namespace lamellar::base

#pragma once
// Text to values, and the distance between names. Pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lamellar::base {

// A decimal number; with suffixes also K, M, G (any case, powers of 1024, optionally followed by
// B or iB). Nothing for other text and for numbers above 2^64-1.
std::optional<std::uint64_t> parse_u64(std::string_view text, bool suffixes);

// A finite decimal number, as in 1.5 or 1e9.
std::optional<double> parse_f64(std::string_view text);

// 1 true on yes / 0 false off no, any case.
std::optional<bool> parse_flag(std::string_view text);

// The smallest number of inserted, deleted, changed or swapped neighbouring characters between a
// and b.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace lamellar::base

#pragma once
// Sets of cpus as the kernel writes them: "0-3,8".
#include <optional>
#include <string>
#include <string_view>

#include "base/clock/affinity.hpp"

namespace lamellar::base {

// REQUIRES: ascending. "" for none.
std::string cpu_list(const Cpus& cpus);
// Nothing when it is no such list, is not ascending, or has cpus above a million.
std::optional<Cpus> parse_cpu_list(std::string_view text);

}  // namespace lamellar::base

#pragma once
// What PEs get from the host they are started on.
#include <string>
#include <string_view>
#include <vector>

namespace lamellar::tools {

// The cores this process may use.
std::vector<unsigned> usable_cpus();
// Those of the `index`-th of `count` PEs that share `cpus`.
std::vector<unsigned> share_of(const std::vector<unsigned>& cpus, unsigned index, unsigned count);

// This process's environment, without what another launcher told it.
std::vector<std::string> environment_for_pes();
// name=value instead of what there was under that name.
void set_variable(std::vector<std::string>& environment, const std::string& name,
                  const std::string& value);

void raise_descriptor_limit(std::size_t needed);

}  // namespace lamellar::tools

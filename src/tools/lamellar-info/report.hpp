#pragma once
// What is known, as text.
#include <string>

#include "tools/lamellar-info/facts.hpp"

namespace lamellar::tools {

std::string report_for_people(const Facts& facts);
std::string report_as_json(const Facts& facts);

}  // namespace lamellar::tools

#pragma once
// The command line of a suite of multi tests.
#include <string>
#include <string_view>
#include <vector>

#include <lamellar/testing.hpp>

namespace lamellar::testing {

struct Options {
  std::string filter = "*";
  std::string report;             // file for a GoogleTest report, or empty
  unsigned repeat = 1;
  unsigned worlds = 1;            // jobs of the whole suite at once
  bool list = false;
  bool help = false;
  std::vector<std::string> rest;  // for lamellar::launch
};

extern const char* const kHelp;

// ERRORS: std::invalid_argument, with what to do.
Options parse_options(int argc, char** argv);

// Patterns with * and ?, several with ':' between; what follows a '-' is left out.
bool matches_filter(std::string_view filter, std::string_view name);

}  // namespace lamellar::testing

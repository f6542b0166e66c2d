// The command line of the word count.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace wordcount {

struct Options {
  std::vector<std::string> paths;  // empty: the default input
  std::string all_file;            // empty: none
  std::size_t top = 20;
  bool combine = false;
  bool help = false;
};

// what() is one line for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

extern const char* const kHelp;

// Arguments that start with --lamellar- are the library's and passed over, with their values.
// ERRORS: UsageError.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace wordcount

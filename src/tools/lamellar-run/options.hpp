#pragma once
// What lamellar-run was asked for.
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace lamellar::tools {

enum class Under : std::uint8_t { kNothing, kGdb, kValgrind };

struct HostPart {
  std::string name;
  unsigned pes = 0;
};

struct Options {
  unsigned pes = 0;
  std::string threads;  // empty: not said
  std::string lamella;  // empty: not said
  bool pin = false;
  bool tag_output = false;
  Under under = Under::kNothing;
  std::optional<unsigned> under_pe;  // nothing: all
  std::vector<HostPart> hosts;              // empty: this one
  std::vector<std::string> rsh{"ssh", "-o", "BatchMode=yes"};  // takes a host and a command
  bool agent = false;  // started by another lamellar-run: nothing else counts
  std::vector<std::string> command;

  // All PEs are threads of one process.
  bool one_process() const { return lamella == "local"; }
};

// The user gets the text and status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nothing when there is no job to run: help or the version was asked for and printed.
// ERRORS: UsageError.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace lamellar::tools

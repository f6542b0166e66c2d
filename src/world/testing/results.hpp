#pragma once
// What became of the tests of one job; kept in the process of PE 0.
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/testing.hpp>

namespace lamellar::testing {

enum class Outcome : std::uint8_t { kNotRun, kPassed, kFailed, kSkipped, kTooFewPes };

struct Result {
  const MultiTest* test = nullptr;
  Outcome outcome = Outcome::kNotRun;
  std::string text;  // why it failed or was skipped
};

struct Counts {
  unsigned passed = 0;
  unsigned failed = 0;
  unsigned skipped = 0;
};

Counts count(const std::vector<Result>& results);
std::string full_name(const MultiTest& test);

// One write, so that lines of PEs do not mix.
void print(const std::string& text);

// Writes what GoogleTest's --gtest_output=xml would, as far as test counts and messages go. Tests
// that need more PEs than there are do not exist in it. False when the file cannot be written.
bool write_report(const std::string& file, const std::vector<Result>& results);

}  // namespace lamellar::testing

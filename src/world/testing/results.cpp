#include "world/testing/results.hpp"

#include <cstdio>
#include <fstream>

namespace lamellar::testing {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#x0A;"; break;
      default: out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
  }
  return out;
}

}  // namespace

Counts count(const std::vector<Result>& results) {
  Counts counts;
  for (const Result& result : results) {
    if (result.outcome == Outcome::kPassed)
      ++counts.passed;
    else if (result.outcome == Outcome::kSkipped || result.outcome == Outcome::kTooFewPes)
      ++counts.skipped;
    else
      ++counts.failed;
  }
  return counts;
}

std::string full_name(const MultiTest& test) {
  return std::string(test.suite) + "." + test.name;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool write_report(const std::string& file, const std::vector<Result>& results) {
  const Counts counts = count(results);
  std::ofstream out(file);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"" << results.size()
      << "\" failures=\"" << counts.failed << "\" name=\"AllTests\">\n"
      << "  <testsuite name=\"multi\">\n";
  for (const Result& result : results) {
    if (result.outcome == Outcome::kTooFewPes) continue;
    out << "    <testcase name=\"" << result.test->name << "\" classname=\""
        << result.test->suite << "\" status=\"run\">";
    if (result.outcome == Outcome::kSkipped)
      out << "<skipped message=\"" << escaped(result.text) << "\"/>";
    else if (result.outcome != Outcome::kPassed)
      out << "<failure message=\"" << escaped(result.text) << "\"/>";
    out << "</testcase>\n";
  }
  out << "  </testsuite>\n</testsuites>\n";
  return static_cast<bool>(out.flush());
}

}  // namespace lamellar::testing

#include "world/testing/options.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace lamellar::testing {

const char* const kHelp =
    "options of a suite of multi tests:\n"
    "  --filter GLOB        only tests whose Suite.Name matches; A*:B* several, -C* without\n"
    "  --list               print the tests with the PEs they need, run none\n"
    "  --repeat N           run everything N times in one job\n"
    "  --worlds N           N jobs of the whole suite at once in this process\n"
    "  --gtest_output=xml:FILE   leave a report in FILE\n"
    "  --lamellar-...       settings, for example --lamellar-num-pes 4 (docs/settings.md)\n"
    "GTEST_SHUFFLE=1 and GTEST_RANDOM_SEED=N (not 0) shuffle the tests.\n";

namespace {

bool matches_one(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*')
    return matches_one(pattern.substr(1), name) ||
           (!name.empty() && matches_one(pattern, name.substr(1)));
  return !name.empty() && (pattern.front() == '?' || pattern.front() == name.front()) &&
         matches_one(pattern.substr(1), name.substr(1));
}

bool matches_any(std::string_view patterns, std::string_view name) {
  for (;;) {
    const std::size_t colon = patterns.find(':');
    if (matches_one(patterns.substr(0, colon), name)) return true;
    if (colon == std::string_view::npos) return false;
    patterns.remove_prefix(colon + 1);
  }
}

unsigned to_number(std::string_view option, std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0)
    throw std::invalid_argument(std::string(option) + " needs a number from 1, not '" +
                                std::string(text) + "'");
  return number;
}

// Reads "--name value" and "--name=value".
class Reader {
 public:
  Reader(int argc, char** argv) : args_(argv + std::min(argc, 1), argv + argc) {}
  bool next() {
    if (at_ == args_.size()) return false;
    word_ = args_[at_++];
    has_value_ = false;
    if (const std::size_t equals = word_.find('='); equals != std::string_view::npos) {
      has_value_ = true;
      value_ = word_.substr(equals + 1);
      word_ = word_.substr(0, equals);
    }
    return true;
  }
  std::string_view word() const { return word_; }
  std::string_view value() {
    if (has_value_) return value_;
    if (at_ == args_.size())
      throw std::invalid_argument(std::string(word_) + " needs a value");
    return args_[at_++];
  }
  std::string whole() const { return args_[at_ - 1]; }

 private:
  std::vector<std::string> args_;
  std::size_t at_ = 0;
  std::string_view word_;
  bool has_value_ = false;
  std::string_view value_;
};

}  // namespace

bool matches_filter(std::string_view filter, std::string_view name) {
  const std::size_t dash = filter.find('-');
  const std::string_view wanted = filter.substr(0, dash);
  if (!matches_any(wanted.empty() ? "*" : wanted, name)) return false;
  return dash == std::string_view::npos || !matches_any(filter.substr(dash + 1), name);
}

Options parse_options(int argc, char** argv) {
  Options options;
  Reader reader(argc, argv);
  while (reader.next()) {
    if (reader.word() == "--filter") {
      options.filter = reader.value();
    } else if (reader.word() == "--repeat") {
      options.repeat = to_number("--repeat", reader.value());
    } else if (reader.word() == "--worlds") {
      options.worlds = to_number("--worlds", reader.value());
    } else if (reader.word() == "--list") {
      options.list = true;
    } else if (reader.word() == "--help") {
      options.help = true;
    } else if (reader.word() == "--gtest_output") {
      const std::string_view to = reader.value();
      if (to.substr(0, 4) != "xml:")
        throw std::invalid_argument("--gtest_output needs xml:FILE");
      options.report = to.substr(4);
    } else {
      options.rest.push_back(reader.whole());
    }
  }
  return options;
}

}  // namespace lamellar::testing

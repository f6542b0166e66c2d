// lamellar-info: what this library is, what works here, and every setting with its source.
#include <cstdio>
#include <exception>
#include <lamellar/error.hpp>
#include <lamellar/version.hpp>
#include <string>
#include <vector>

#include "tools/lamellar-info/facts.hpp"
#include "tools/lamellar-info/report.hpp"

namespace {

constexpr int kBadSetting = 1;
constexpr int kUnusable = 2;

constexpr char kHelp[] = R"(usage: lamellar-info [--json] [--lamellar-NAME VALUE]...

Tells what this library is and how it was built, which lamellae and which launcher it can use here
or why not, what this process may use of the machine, and every setting with its value, its unit
and where it came from (default, environment, command line).

      --json     the same as JSON
  -h, --help     this text
      --version  the version

It joins no job: under a launcher every process prints its own view.
Statuses: 0, 1 when a setting has a value that cannot be used, 2 wrong options or no output.
)";

int fail(const std::string& what) {
  std::fprintf(stderr, "lamellar-info: %s\n", what.c_str());
  return kUnusable;
}

int print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return fail("cannot write to standard output");
  return 0;
}

int run(std::vector<std::string> args) {
  using namespace lamellar::tools;
  bool json = false;
  const Facts facts = gather_facts(args);
  for (const std::string& arg : args) {
    if (arg == "-h" || arg == "--help") return print(kHelp);
    if (arg == "--version")
      return print(std::string("lamellar-info ") + lamellar::kVersionText + "\n");
    if (arg != "--json") return fail("unknown option '" + arg + "', see --help");
    json = true;
  }
  if (const int status = print(json ? report_as_json(facts) : report_for_people(facts)))
    return status;
  for (const SettingFact& setting : facts.settings)
    if (!setting.error.empty()) return kBadSetting;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

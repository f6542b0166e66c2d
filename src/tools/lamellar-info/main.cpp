// lamellar-info: what this library is, what works here, and every setting with its source.
#include <cstdio>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <lamellar/error.hpp>
#include <lamellar/version.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/config/parse.hpp"
#include "tools/lamellar-info/facts.hpp"
#include "tools/lamellar-info/report.hpp"
#include "tools/lamellar-info/topology.hpp"

namespace {

constexpr int kBadSetting = 1;
constexpr int kUnusable = 2;

constexpr char kHelp[] = R"(usage: lamellar-info [--json] [--lamellar-NAME VALUE]...
       lamellar-info --topology [-n PES] [--json] [--lamellar-NAME VALUE]...

Tells what this library is and how it was built, which lamellae and which launcher it can use here
or why not, what this process may use of the machine, and every setting with its value, its unit
and where it came from (default, environment, command line).

      --json     the same as JSON
      --topology  the cores of this host that this process may use, and which of them the threads
                 of PES PEs would be bound to (default: as many as the launcher or
                 LAMELLAR_NUM_PES says)
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

struct Options {
  bool help = false;
  bool version = false;
  bool json = false;
  bool topology = false;
  std::optional<std::uint64_t> pes;
};

std::uint64_t number_of_pes(const std::string& text) {
  const auto pes = lamellar::base::parse_u64(text, false);
  if (!pes || *pes < 1 || *pes > 4096)
    throw lamellar::ConfigError("-n needs a number of PEs from 1 to 4096, not '" + text + "'");
  return *pes;
}

// ERRORS: ConfigError.
Options parse(const std::vector<std::string>& args) {
  Options options;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "-h" || args[i] == "--help") {
      options.help = true;
    } else if (args[i] == "--version") {
      options.version = true;
    } else if (args[i] == "--json") {
      options.json = true;
    } else if (args[i] == "--topology") {
      options.topology = true;
    } else if (args[i] == "-n") {
      options.pes = number_of_pes(i + 1 < args.size() ? args[i + 1] : "");
      ++i;
    } else {
      throw lamellar::ConfigError("unknown option '" + args[i] + "', see --help");
    }
  }
  if (options.pes && !options.topology)
    throw lamellar::ConfigError("-n goes with --topology, see --help");
  return options;
}

int print_topology(const lamellar::base::Settings& settings,
                   const std::vector<lamellar::base::BadSetting>& bad, const Options& options) {
  using namespace lamellar::tools;
  for (const lamellar::base::BadSetting& setting : bad) fail(setting.why);
  if (!bad.empty()) return kBadSetting;
  const TopologyFact topology = topology_here(settings, options.pes);
  return print(options.json ? topology_as_json(topology) : topology_for_people(topology));
}

int run(std::vector<std::string> args) {
  using namespace lamellar::tools;
  std::vector<lamellar::base::BadSetting> bad;
  const auto settings = lamellar::base::Settings::load(&args, {}, nullptr, &bad);
  const Options options = parse(args);
  if (options.help) return print(kHelp);
  if (options.version)
    return print(std::string("lamellar-info ") + lamellar::kVersionText + "\n");
  if (options.topology) return print_topology(settings, bad, options);
  const Facts facts = gather_facts(settings, bad);
  if (const int status = print(options.json ? report_as_json(facts) : report_for_people(facts)))
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

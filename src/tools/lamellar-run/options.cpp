#include "tools/lamellar-run/options.hpp"

#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <lamellar/error.hpp>
#include <lamellar/version.hpp>
#include <sstream>

#include "base/config/settings.hpp"

namespace lamellar::tools {
namespace {

constexpr unsigned kMostPes = 4096;

constexpr char kHelp[] =
    R"(usage: lamellar-run -n N [OPTION]... PROGRAM [ARGUMENT]...

Starts N processing elements of a Lamellar program, on this host or on those of --hosts.

  -n, --num-pes N    how many
  -t, --threads T    threads of each PE (LAMELLAR_THREADS)
      --lamella L    what carries the bytes between PEs (LAMELLAR_BACKEND); with local all PEs
                     are threads of one process
      --hosts H,...  on these hosts: HOST or HOST:N for N PEs; hosts without a number share the
                     rest of -n. lamellar-run and PROGRAM must be there under the same paths
      --rsh CMD      what reaches a host, called as CMD HOST COMMAND (ssh -o BatchMode=yes)
      --pin          each PE keeps to its share of the cores
      --tag-output   each line of output starts with "[PE] "
      --gdb          one PE runs under gdb: PE 0, or that of --pe
      --valgrind     every PE runs under valgrind, or only that of --pe
      --pe I         see --gdb and --valgrind
  -h, --help         this text
      --version      the version

Standard input goes to PE 0 (with --gdb to the PE under it). SIGINT, SIGTERM, SIGHUP, SIGQUIT,
SIGUSR1 and SIGUSR2 are passed on to every PE. When a PE fails, the others are ended, one line
says which PE it was, and its status is that of lamellar-run: 128 + N when signal N killed it.
Statuses of its own: 2 wrong options, 126 PROGRAM is not executable, 127 there is no PROGRAM.
)";

unsigned number(const char* option, const char* text, unsigned low, unsigned high) {
  unsigned value = 0;
  const char* const end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, value);
  if (error != std::errc() || last != end || value < low || value > high)
    throw UsageError(std::string(option) + " needs a number from " + std::to_string(low) + " to " +
                     std::to_string(high) + ", not '" + text + "'");
  return value;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  if (all.empty()) throw UsageError("--rsh needs a command");
  return all;
}

// The library's own check of a setting, with its own words.
void check_settings(const Options& options) {
  const std::string backend = "LAMELLAR_BACKEND=" + options.lamella;
  const std::string threads = "LAMELLAR_THREADS=" + options.threads;
  const char* const environment[] = {backend.c_str(), threads.c_str(), nullptr};
  try {
    static_cast<void>(base::Settings::load(nullptr, {}, environment));
  } catch (const ConfigError& error) {
    throw UsageError(error.what());
  }
}

// HOST[:N],...: the first hosts get one more when the rest cannot be divided evenly.
void place_on_hosts(Options& options, const std::string& list) {
  unsigned placed = 0;
  unsigned without = 0;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    HostPart part;
    part.name = list.substr(begin, end - begin);
    begin = end + 1;
    if (const std::size_t sign = part.name.find(':'); sign != std::string::npos) {
      part.pes = number("--hosts HOST:N", part.name.c_str() + sign + 1, 1, kMostPes);
      part.name.erase(sign);
    }
    if (part.name.empty() || part.name.front() == '-')
      throw UsageError("--hosts needs names: HOST or HOST:N with commas between, not '" + list +
                       "'");
    placed += part.pes;
    without += part.pes == 0 ? 1 : 0;
    options.hosts.push_back(std::move(part));
  }
  if (options.pes == 0 && without == 0) options.pes = placed;
  if (options.pes == 0)
    throw UsageError("say how many PEs: -n N, or a number for each host, --hosts HOST:N");
  if (without == 0 ? options.pes != placed : options.pes < placed + without)
    throw UsageError("-n " + std::to_string(options.pes) + ", but --hosts has " +
                     std::to_string(placed) + " PEs with a number and " +
                     std::to_string(without) + " hosts without one, which get at least one each");
  unsigned rest = options.pes - placed;
  for (HostPart& part : options.hosts) {
    if (part.pes != 0) continue;
    part.pes = (rest + without - 1) / without;
    rest -= part.pes;
    --without;
  }
}

void check_hosts(const Options& options) {
  if (options.one_process())
    throw UsageError("--lamella local has one process for all PEs, it cannot be on several hosts");
  if (options.under != Under::kNothing)
    throw UsageError("--gdb and --valgrind are for PEs on this host, not for --hosts");
}

void check_together(Options& options) {
  if (options.pes == 0) throw UsageError("say how many PEs: -n N");
  if (!options.hosts.empty()) check_hosts(options);
  if (options.under_pe && options.under == Under::kNothing)
    throw UsageError("--pe is for --gdb and --valgrind");
  if (options.under == Under::kGdb && !options.under_pe) options.under_pe = 0;
  if (options.under_pe.value_or(0) >= options.pes)
    throw UsageError("--pe " + std::to_string(*options.under_pe) + ": the PEs are 0 to " +
                     std::to_string(options.pes - 1));
  if (options.pin && options.one_process())
    throw UsageError("--pin needs a process for each PE, --lamella local has one for all");
  if (options.one_process()) options.under_pe.reset();
  if (options.command.empty()) throw UsageError("say which program to run");
  check_settings(options);
}

void choose(Options& options, Under under) {
  if (options.under != Under::kNothing && options.under != under)
    throw UsageError("--gdb and --valgrind do not go together");
  options.under = under;
}

enum Long : int {
  kLamella = 256, kPin, kTag, kGdb, kValgrind, kPe, kVersion, kHosts, kRsh, kAgent
};

constexpr option kLong[] = {
    {"num-pes", required_argument, nullptr, 'n'}, {"threads", required_argument, nullptr, 't'},
    {"lamella", required_argument, nullptr, kLamella}, {"pin", no_argument, nullptr, kPin},
    {"tag-output", no_argument, nullptr, kTag},   {"gdb", no_argument, nullptr, kGdb},
    {"valgrind", no_argument, nullptr, kValgrind}, {"pe", required_argument, nullptr, kPe},
    {"hosts", required_argument, nullptr, kHosts}, {"rsh", required_argument, nullptr, kRsh},
    {"agent", no_argument, nullptr, kAgent},
    {"help", no_argument, nullptr, 'h'},          {"version", no_argument, nullptr, kVersion},
    {nullptr, 0, nullptr, 0}};

// The word getopt stumbled over, as it was typed.
std::string culprit(char** argv) {
  const std::string word = argv[optind - 1];
  return word.starts_with("--") || optopt == 0 || optopt >= 256 ? word
                                                                : std::string("-") + char(optopt);
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  std::optional<std::string> hosts;
  opterr = 0;
  for (int found = 0; (found = getopt_long(argc, argv, "+:n:t:h", kLong, nullptr)) != -1;) {
    switch (found) {
      case 'n': options.pes = number("-n", optarg, 1, kMostPes); break;
      case 't': options.threads = optarg; break;
      case kLamella: options.lamella = optarg; break;
      case kHosts: hosts = optarg; break;
      case kRsh: options.rsh = words(optarg); break;
      case kAgent: options.agent = true; return options;
      case kPin: options.pin = true; break;
      case kTag: options.tag_output = true; break;
      case kGdb: choose(options, Under::kGdb); break;
      case kValgrind: choose(options, Under::kValgrind); break;
      case kPe: options.under_pe = number("--pe", optarg, 0, kMostPes - 1); break;
      case 'h': std::fputs(kHelp, stdout); return std::nullopt;
      case kVersion: std::printf("lamellar-run %s\n", kVersionText); return std::nullopt;
      case ':': throw UsageError(culprit(argv) + " needs a value");
      default: throw UsageError("there is no option " + culprit(argv) + ", see --help");
    }
  }
  options.command.assign(argv + optind, argv + argc);
  if (hosts) place_on_hosts(options, *hosts);
  check_together(options);
  return options;
}

}  // namespace lamellar::tools

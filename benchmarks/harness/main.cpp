// Measures this build beside the limits of the machine and other libraries.
#include <getopt.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "base/config/settings.hpp"
#include "harness/measure.hpp"
#include "harness/report.hpp"
#include "lamellae/frames/block.hpp"

namespace {

constexpr char kHelp[] =
    R"(usage: lamellar-bench [OPTION]... [messages|tasks|fabric|limits|peers]...

Measures (default: everything) and prints a table: ours, spread (median absolute deviation), what
the machine can do at all, the best peer that is installed, the bar and whether it holds.

  --bars final|interim  what figures are held to (default final)
  --repeats N           repeats with near cores that a row needs (default 5)
  --seconds S           longest time for a row (default 600); then its verdict is far
  --slice S             seconds of one program (default 0.5)
  --smoke               one short repeat of everything, within a minute
  --only TEXT           only rows and groups whose name holds TEXT
  --lamella L           what carries the messages (default shmem)
  --hosts A,B           what goes over libfabric: between two hosts, by lamellar-run
  --rsh CMD             how to reach them (default ssh)
  --cpus A,B            the two cores (default: the first two that are allowed)
  --json                nothing but JSON on standard output
  --check               status 3 when a row is below its bar
  --list                the rows; measures nothing
)";

struct Wanted {
  bench::Options options;
  bench::Place place;
  std::set<std::string> sections;
  std::string only;
  bool json = false;
  bool check = false;
  bool list = false;
};

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "lamellar-bench: %s\n", why.c_str());
  std::exit(2);
}

double number(const char* option, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0))
    refuse(std::string(option) + " needs a number, not '" + text + "'");
  return value;
}

enum Long : int {
  kBars = 256, kRepeats, kSeconds, kSlice, kSmoke, kOnly, kLamella, kHosts, kRsh, kCpus,
  kJson, kCheck, kList
};

constexpr option kLong[] = {
    {"bars", required_argument, nullptr, kBars},
    {"repeats", required_argument, nullptr, kRepeats},
    {"seconds", required_argument, nullptr, kSeconds},
    {"slice", required_argument, nullptr, kSlice},
    {"smoke", no_argument, nullptr, kSmoke},
    {"only", required_argument, nullptr, kOnly},
    {"lamella", required_argument, nullptr, kLamella},
    {"hosts", required_argument, nullptr, kHosts},
    {"rsh", required_argument, nullptr, kRsh},
    {"cpus", required_argument, nullptr, kCpus},
    {"json", no_argument, nullptr, kJson},
    {"check", no_argument, nullptr, kCheck},
    {"list", no_argument, nullptr, kList},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0}};

Wanted parse(int argc, char** argv) {
  Wanted wanted;
  for (int found = 0; (found = getopt_long(argc, argv, "h", kLong, nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    switch (found) {
      case kBars:
        if (value != "final" && value != "interim") refuse("--bars: final or interim");
        wanted.options.interim = value == "interim";
        break;
      case kRepeats:
        wanted.options.repeats = std::max(1u, static_cast<unsigned>(number("--repeats", optarg)));
        break;
      case kSeconds: wanted.options.seconds = number("--seconds", optarg); break;
      case kSlice: wanted.options.slice = number("--slice", optarg); break;
      case kSmoke:
        wanted.options.repeats = 1;
        wanted.options.seconds = 0;
        wanted.options.slice = 0.05;
        wanted.options.smoke = true;
        break;
      case kOnly: wanted.only = value; break;
      case kLamella: wanted.place.lamella = value; break;
      case kHosts: wanted.place.hosts = value; break;
      case kRsh: wanted.place.rsh = value; break;
      case kCpus: setenv("BENCH_CPUS", optarg, 1); break;
      case kJson: wanted.json = true; break;
      case kCheck: wanted.check = true; break;
      case kList: wanted.list = true; break;
      case 'h': std::fputs(kHelp, stdout); std::exit(0);
      default: std::exit(2);
    }
  }
  for (int i = optind; i < argc; ++i) {
    const std::string section = argv[i];
    if (section != "messages" && section != "tasks" && section != "fabric" &&
        section != "limits" && section != "peers")
      refuse("there is no '" + section + "': messages, tasks, fabric, limits, peers");
    wanted.sections.insert(section);
  }
  return wanted;
}

// The frames our settings give one destination.
bench::FrameShape frames_of_ours() {
  using lamellar::base::Key;
  const auto settings = lamellar::base::Settings::load(nullptr, {}, environ);
  const auto shape = lamellar::lamellae::BlockShape::of(
      2, static_cast<std::uint32_t>(settings.u64(Key::kFrameBytes)),
      static_cast<std::uint32_t>(settings.u64(Key::kPoolFrames)), 0);
  return {std::to_string(shape.frame_bytes), std::to_string(shape.frames[0])};
}

std::vector<bench::Group> plan(const Wanted& wanted) {
  const bench::FrameShape frames = frames_of_ours();
  std::vector<bench::Group> chosen;
  for (const auto& part : {bench::plan_messages(frames), bench::plan_costs(), bench::plan_tasks(),
                           bench::plan_fabric(), bench::plan_limits(frames), bench::plan_peers()})
    for (const bench::Group& group : part) {
      bool fits = group.id.find(wanted.only) != std::string::npos;
      for (const bench::Row& row : group.rows)
        fits = fits || row.name.find(wanted.only) != std::string::npos;
      if (fits && (wanted.sections.empty() || wanted.sections.count(group.section) != 0))
        chosen.push_back(group);
    }
  if (chosen.empty()) refuse("nothing fits --only " + wanted.only);
  return chosen;
}

int run(Wanted wanted) {
  const auto folder = std::filesystem::canonical("/proc/self/exe").parent_path();
  wanted.place.folder = folder;
  wanted.place.lamellar_run = folder.parent_path() / "lamellar-run";
  const std::vector<bench::Group> groups = plan(wanted);
  if (wanted.list) {
    for (const bench::Group& group : groups)
      for (const bench::Row& row : group.rows)
        std::printf("%s %s: %s, %s\n", group.section.c_str(), group.id.c_str(), row.name.c_str(),
                    row.unit.c_str());
    return 0;
  }
  if (bench::chosen_cpus().size() < 2) refuse("two cores are needed");
  bench::Report report;
  int status = 0;
  for (const bench::Group& group : groups) {
    std::fprintf(stderr, "lamellar-bench: %s %s\n", group.section.c_str(), group.id.c_str());
    for (const bench::Start& start : group.starts)
      if (bench::is_peer(start.program) && !bench::can_start(wanted.place, start))
        std::fprintf(stderr, "lamellar-bench: left out: %s with %s, which is not installed\n",
                     start.name.c_str(), bench::name_of_peer(start.program));
    const bench::GroupOutcome outcome = bench::measure(wanted.place, group, wanted.options);
    for (const std::string& error : outcome.errors) {
      std::fprintf(stderr, "lamellar-bench: %s\n", error.c_str());
      status = 1;
    }
    report.add(outcome);
  }
  std::fputs((wanted.json ? report.json() : report.table()).c_str(), stdout);
  for (const bench::Outcome& row : report.rows)
    if (wanted.check && status == 0 && row.verdict == "below") status = 3;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    refuse(error.what());
  }
}

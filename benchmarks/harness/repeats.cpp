#include "harness/repeats.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "harness/line.hpp"

namespace bench {
namespace {

double cpu_seconds(int who) {
  rusage used{};
  getrusage(who, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// CPU time of this process and of its children that have ended.
double own_cpu() { return cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN); }

// CPU time of the whole machine, time that its host took included.
double machine_cpu() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0;
  stat >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft >> stolen;
  return (user + nice + system + irq + soft + stolen) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Other work is counted in ticks of 10 ms: short repeats cannot tell.
constexpr double kBusyCores = 0.25;
constexpr double kTellingSeconds = 0.5;

std::string regime_of(double before, double after, double others, double seconds) {
  if (others > kBusyCores && seconds > kTellingSeconds) return "busy";
  if (std::max(before, after) > 1.3 * std::min(before, after)) return "moved";
  return std::max(before, after) <= kNearNs ? "near" : "far";
}

Results run_all(const Place& place, const Group& group, const Options& options) {
  Results all;
  for (const Start& start : group.starts) {
    if (is_peer(start.program) && !can_start(place, start)) continue;
    const double least = std::max(options.slice, start.least_seconds);
    const double seconds = options.smoke ? least : std::max(least, start.usual_seconds);
    for (const auto& [key, value] : run(place, start, seconds)) all[key] = value;
  }
  return all;
}

double value_of(const Results& results, const Value& wanted) {
  const auto found = results.find(wanted.key);
  return wanted.key.empty() || found == results.end() ? kNone : found->second * wanted.times;
}

Sample sample_of(const Results& results, const Row& row, bool interim) {
  Sample sample;
  sample.ours = value_of(results, row.ours);
  const bool other_limit = interim && !row.interim_limit.key.empty();
  sample.limit = value_of(results, other_limit ? row.interim_limit : row.limit);
  for (const Value& peer : row.peers) {
    const double value = value_of(results, peer);
    if (!is_there(value)) continue;
    const bool better = row.better == Better::kLower ? value < sample.peer : value > sample.peer;
    if (!is_there(sample.peer) || better) sample.peer = value;
  }
  return sample;
}

Outcome outcome_of(const Row& row, const std::vector<Results>& repeats, bool near,
                   const std::string& regime, bool interim) {
  Outcome outcome;
  outcome.row = row;
  outcome.regime = regime;
  outcome.bar = interim ? row.interim : row.bar;
  std::vector<Sample> samples;
  for (const Results& results : repeats) samples.push_back(sample_of(results, row, interim));
  outcome.figures = figures_of(samples, outcome.bar.plus);
  outcome.measured = is_there(outcome.figures.spread);
  if (outcome.bar.given())
    outcome.verdict = verdict_of(outcome.bar, row.better, outcome.figures, near);
  else if (!near)
    outcome.verdict = "far";
  return outcome;
}

void pause_a_second() { poll(nullptr, 0, 1000); }

}  // namespace

GroupOutcome measure(const Place& place, const Group& group, const Options& options) {
  GroupOutcome outcome;
  std::vector<Results> near;
  std::vector<Results> far;
  std::vector<Results> unfit;  // moved or busy
  const double end = now() + options.seconds;
  try {
    double before = probe_line_ns();
    do {
      if (before > kNearNs && far.size() >= options.repeats && !group.any_regime) {
        pause_a_second();  // enough of those: wait for the near regime
        before = probe_line_ns();
        continue;
      }
      const double start = now();
      const double machine = machine_cpu() - own_cpu();
      const Results results = run_all(place, group, options);
      const double took = now() - start;
      const double others = std::max(0.0, (machine_cpu() - own_cpu() - machine) / took);
      const double after = probe_line_ns();
      const std::string regime = regime_of(before, after, others, took);
      outcome.probes.push_back({group.id, before, after, regime, others});
      const bool counts_as_near =
          regime == "near" || (group.any_regime && !(group.quiet && regime == "busy"));
      (counts_as_near ? near : regime == "far" ? far : unfit).push_back(results);
      before = after;
      if (regime == "busy" && now() < end) {
        pause_a_second();
        before = probe_line_ns();
      }
    } while (near.size() < options.repeats && now() < end);
  } catch (const std::exception& error) {
    outcome.errors.push_back(error.what());
    return outcome;
  }
  const bool enough = near.size() >= options.repeats;
  const std::vector<Results>& used = !near.empty() ? near : !far.empty() ? far : unfit;
  const std::string regime = &used == &near ? group.any_regime ? "any" : "near"
                             : &used == &far ? "far" : "unfit";
  for (const Row& row : group.rows)
    outcome.rows.push_back(outcome_of(row, used, enough, regime, options.interim));
  return outcome;
}

}  // namespace bench

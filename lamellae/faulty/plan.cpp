#include "lamellae/faulty/plan.hpp"

#include <limits>
#include <lamellar/error.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "base/config/parse.hpp"

namespace lamellar::lamellae {
namespace {

constexpr double kLongestSeconds = 3600;

[[noreturn]] void refuse(std::string_view item, const std::string& why) {
  throw ConfigError("LAMELLAR_FAULTS: '" + std::string(item) + "': " + why +
                    "; understood are, with commas between them: delay=P:TIME, reorder=P, "
                    "refuse=P, slow_poll=P or slow_poll=P:TIME, kill=PE@SENDS "
                    "(P: a probability from 0 to 1, TIME: as in 50us, in ns, us, ms or s)");
}

// may_be_one: what happens every time does not stop everything for ever.
double probability(std::string_view item, std::string_view text, bool may_be_one) {
  const std::optional<double> p = base::parse_f64(text);
  if (!p || *p < 0 || *p > 1)
    refuse(item, "'" + std::string(text) + "' is no probability from 0 to 1");
  if (*p == 1 && !may_be_one)
    refuse(item, "with probability 1 nothing would ever arrive; it must be below 1");
  return *p;
}

std::uint64_t time_ns(std::string_view item, std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789.");
  const std::string_view unit = end == std::string_view::npos ? "" : text.substr(end);
  const double scale = unit == "ns"   ? 1e-9
                       : unit == "us" ? 1e-6
                       : unit == "ms" ? 1e-3
                       : unit == "s"  ? 1
                                      : 0;
  const std::optional<double> number = base::parse_f64(text.substr(0, end));
  if (!number || scale == 0) refuse(item, "'" + std::string(text) + "' is no time");
  const double seconds = *number * scale;
  if (seconds * 1e9 < 1 || seconds > kLongestSeconds)
    refuse(item, "the time " + std::string(text) + " is not between 1ns and 3600s");
  return static_cast<std::uint64_t>(seconds * 1e9 + 0.5);
}

void parse_kill(std::string_view item, std::string_view text, FaultPlan& plan) {
  const std::size_t middle = text.find('@');
  if (middle == std::string_view::npos) refuse(item, "it does not say after how many sends (@)");
  const auto pe = base::parse_u64(text.substr(0, middle), false);
  const auto sends = base::parse_u64(text.substr(middle + 1), false);
  if (!pe || *pe > std::numeric_limits<Pe>::max())
    refuse(item, "'" + std::string(text.substr(0, middle)) + "' is no number of a PE");
  if (!sends || *sends == 0)
    refuse(item, "'" + std::string(text.substr(middle + 1)) + "' is no number of sends from 1 on");
  plan.kill_pe = static_cast<Pe>(*pe);
  plan.kill_after = *sends;
}

void parse_item(std::string_view item, FaultPlan& plan, std::set<std::string_view>& known) {
  const std::size_t equals = item.find('=');
  const std::string_view name = item.substr(0, equals);
  if (equals == std::string_view::npos) refuse(item, "there is no value (=)");
  if (!known.insert(name).second) refuse(item, std::string(name) + " is there twice");
  const std::string_view value = item.substr(equals + 1);
  if (name == "kill") return parse_kill(item, value, plan);

  const std::size_t colon = value.find(':');
  const std::string_view p = value.substr(0, colon);
  const bool timed = colon != std::string_view::npos;
  const std::string_view time = timed ? value.substr(colon + 1) : "";
  if (name == "delay") {
    if (!timed) refuse(item, "it does not say how long at most (:TIME)");
    plan.delay = probability(item, p, true);
    plan.delay_ns = time_ns(item, time);
  } else if (name == "slow_poll") {
    plan.slow_poll = probability(item, p, false);
    if (timed) plan.slow_poll_ns = time_ns(item, time);
  } else if (name == "reorder") {
    plan.reorder = probability(item, value, true);
  } else if (name == "refuse") {
    plan.refuse = probability(item, value, false);
  } else if (name == "loss" || name == "duplicate" || name == "corrupt") {
    refuse(item, "that needs a lamella with the capability 'unreliable' (datagrams), which there "
                 "is none of here: all others promise that each frame arrives once and whole");
  } else {
    refuse(item, "there is no fault '" + std::string(name) + "'");
  }
}

}  // namespace

FaultPlan parse_faults(const std::string& text) {
  FaultPlan plan;
  std::set<std::string_view> known;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    parse_item(rest.substr(0, comma), plan, known);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (rest.empty()) refuse("", "there is nothing behind the last comma");
  }
  return plan;
}

void check_faults(const FaultPlan& plan, Pe pes) {
  if (plan.kill_after == 0 || plan.kill_pe < pes) return;
  const std::string item =
      "kill=" + std::to_string(plan.kill_pe) + "@" + std::to_string(plan.kill_after);
  refuse(item, "there is no PE " + std::to_string(plan.kill_pe) + " in a job of " +
                   std::to_string(pes) + (pes == 1 ? " PE" : " PEs, which are 0 to ") +
                   (pes == 1 ? "" : std::to_string(pes - 1)));
}

}  // namespace lamellar::lamellae

#include "tools/lamellar-info/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/topo/binding.hpp"
#include "base/topo/cpu_list.hpp"
#include "lamellae/bootstrap/detect.hpp"
#include "tools/lamellar-info/json.hpp"

namespace lamellar::tools {
namespace {

using base::Key;
using lamellae::Detection;
using lamellae::LaunchedBy;

Detection launcher() {
  return lamellae::detect_launcher([](const char* name) { return std::getenv(name); });
}

std::uint64_t expected_pes(const base::Settings& settings, const Detection& found) {
  if (found.by == LaunchedBy::kWire) return found.size;
  if (found.told_size > 0) return found.told_size;
  return settings.u64(Key::kNumPes);
}

std::string sorted_list(base::Cpus cpus) {
  std::sort(cpus.begin(), cpus.end());
  return base::cpu_list(cpus);
}

std::string amount(std::uint64_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

void add_machine(std::string& out, const TopologyFact& topology) {
  out += fmt::format("cpus {}: {}, {}; {}\n", base::cpu_list(topology.allowed),
                     amount(topology.allowed.size(), "cpu"),
                     amount(topology.machine.size(), "core"),
                     topology.reader.empty() ? "built without hwloc: every cpu counts as a core"
                                             : "by " + topology.reader);
  std::size_t number = 0;
  for (const base::Core& core : topology.machine)
    out += fmt::format("  node {}  package {}  core {}  cpus {}\n", core.node, core.package,
                       number++, base::cpu_list(core.cpus));
}

}  // namespace

TopologyFact topology_here(const base::Settings& settings, std::optional<std::uint64_t> pes) {
  const Detection found = launcher();
  const bool launched = found.by != LaunchedBy::kNobody;
  TopologyFact topology;
  topology.allowed = base::allowed_cpus();
  topology.machine = base::within(base::read_machine(), topology.allowed);
  topology.reader = base::machine_reader();
  topology.bind = settings.text(Key::kBind);
  const std::vector<base::PeAsk> asks(
      pes.value_or(expected_pes(settings, found)),
      {topology.allowed, static_cast<std::uint32_t>(settings.u64(Key::kThreads))});
  topology.placement = base::place(topology.machine, asks);
  if (topology.bind == "none")
    topology.why_not_bound = "LAMELLAR_BIND=none";
  else if (topology.bind == "auto" && settings.text(Key::kExecutor) == "tbb")
    topology.why_not_bound = "LAMELLAR_EXECUTOR=tbb has threads of its own";
  else if (!topology.placement.why_not.empty())
    topology.why_not_bound = topology.placement.why_not;
  else if (!base::wants_binding(topology.bind, launched, asks.size()))
    topology.why_not_bound = "one PE without a launcher (LAMELLAR_BIND=core binds it)";
  return topology;
}

std::string topology_for_people(const TopologyFact& topology) {
  std::string out;
  add_machine(out, topology);
  out += fmt::format("\n{} with these cpus, LAMELLAR_BIND={}{}\n",
                     amount(topology.placement.pes.size(), "PE"), topology.bind,
                     topology.why_not_bound.empty()
                         ? ": bound"
                         : ": not bound: " + topology.why_not_bound);
  std::size_t pe = 0;
  for (const base::PeShare& share : topology.placement.pes) {
    out += fmt::format("  PE {}: {}", pe++, amount(share.threads, "thread"));
    if (!share.cpus.empty()) out += ", cpus " + sorted_list(share.cpus);
    out += '\n';
    if (!topology.why_not_bound.empty()) continue;
    for (std::uint32_t worker = 0; worker < share.threads; ++worker)
      out += fmt::format("    worker {}  cpu {}\n", worker, share.cpus[worker]);
  }
  return out;
}

std::string topology_as_json(const TopologyFact& topology) {
  JsonWriter json;
  json.begin_object().text("cpuset", base::cpu_list(topology.allowed));
  json.text("reader", topology.reader).begin_array("cores");
  for (const base::Core& core : topology.machine) {
    json.begin_object().number("node", core.node).number("package", core.package);
    json.text("cpuset", base::cpu_list(core.cpus)).end_object();
  }
  json.end_array().text("bind", topology.bind);
  json.flag("bound", topology.why_not_bound.empty());
  if (!topology.why_not_bound.empty()) json.text("why_not", topology.why_not_bound);
  json.begin_array("pes");
  for (const base::PeShare& share : topology.placement.pes) {
    json.begin_object().number("threads", share.threads);
    json.text("cpuset", sorted_list(share.cpus)).begin_array("workers");
    if (topology.why_not_bound.empty())
      for (std::uint32_t worker = 0; worker < share.threads; ++worker)
        json.number("", share.cpus[worker]);
    json.end_array().end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace lamellar::tools

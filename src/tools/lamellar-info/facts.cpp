#include "tools/lamellar-info/facts.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/topo/binding.hpp"
#include "base/topo/cpu_list.hpp"
#include "lamellae/bootstrap/detect.hpp"
#include "lamellae/bootstrap/host.hpp"

namespace lamellar::tools {
namespace {

using lamellae::Detection;
using lamellae::LaunchedBy;

std::string protocol_of(const Detection& found) {
  switch (found.by) {
    case LaunchedBy::kNobody: return "no launcher's variable is set";
    case LaunchedBy::kPmix: return found.sign + " is set; PMIx by libpmix.so.2";
    case LaunchedBy::kWire: return found.sign + " is set; the PMI-1 wire protocol";
    case LaunchedBy::kSlurmLibrary: return found.sign + " is set; PMI by libpmi.so.0";
    case LaunchedBy::kNoPmi: return found.sign + " is set";
  }
  return {};
}

LauncherFact launcher_fact() {
  const Detection found =
      lamellae::detect_launcher([](const char* name) { return std::getenv(name); });
  LauncherFact fact;
  fact.name = found.launcher;
  fact.how = protocol_of(found);
  if (found.by == LaunchedBy::kNoPmi) fact.problem = found.refusal(found.why).what();
  if (found.by == LaunchedBy::kWire) {
    fact.pe = found.rank;
    fact.pes = found.size;
  } else if (found.told_size > 0) {
    fact.pes = found.told_size;
  }
  return fact;
}

LimitFact limit_fact(const char* name, int resource, const char* unit) {
  LimitFact fact{name, std::nullopt, unit};
  rlimit limit{};
  if (getrlimit(resource, &limit) == 0 &&
      limit.rlim_cur != RLIM_INFINITY)
    fact.value = limit.rlim_cur;
  return fact;
}

MachineFact machine_fact() {
  MachineFact fact;
  fact.host = lamellae::host_name();
  utsname system{};
  if (uname(&system) == 0)
    fact.kernel = std::string(system.sysname) + ' ' + system.release + ' ' + system.machine;
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  fact.cores = cores > 0 ? static_cast<std::uint64_t>(cores) : 0;
  const base::Cpus allowed = base::allowed_cpus();
  fact.usable_cores = allowed.size();
  fact.cpuset = base::cpu_list(allowed);
  fact.page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  fact.room = lamellae::memory_room();
  fact.limits = {limit_fact("memlock", RLIMIT_MEMLOCK, "bytes"),
                 limit_fact("address_space", RLIMIT_AS, "bytes"),
                 limit_fact("open_files", RLIMIT_NOFILE, "files"),
                 limit_fact("processes", RLIMIT_NPROC, "processes"),
                 limit_fact("core_file", RLIMIT_CORE, "bytes")};
  return fact;
}

std::vector<SettingFact> setting_facts(const base::Settings& settings,
                                       const std::vector<base::BadSetting>& bad) {
  std::vector<SettingFact> facts;
  for (const base::SettingInfo& info : base::setting_table()) {
    SettingFact fact{&info, settings.text(info.key), settings.source(info.key), {}};
    for (const base::BadSetting& one : bad) {
      if (one.key != info.key) continue;
      fact.value = one.value;
      fact.source = one.source;
      fact.error = one.why;
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace

Facts gather_facts(const base::Settings& settings, const std::vector<base::BadSetting>& bad) {
  Facts facts;
  facts.machine = machine_fact();
  facts.lamellae = lamellae_here(settings);
  facts.launcher = launcher_fact();
  facts.automatic = automatic_choice(facts.launcher.name == "solo");
  facts.settings = setting_facts(settings, bad);
  facts.warnings = settings.warnings();
  return facts;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < std::size(kUnits); ++unit) amount /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", amount, kUnits[unit]);
  return text;
}

}  // namespace lamellar::tools

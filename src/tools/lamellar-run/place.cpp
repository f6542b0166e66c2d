#include "tools/lamellar-run/place.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace lamellar::tools {
namespace {

// What other launchers told this process is not true of the PEs.
bool is_of_a_launcher(std::string_view variable) {
  for (const std::string_view prefix :
       {"PMI_", "PMIX_", "OMPI_COMM_WORLD_", "OMPI_UNIVERSE_", "MPI_LOCAL", "SLURM_STEP",
        "SLURM_PROCID=", "SLURM_LOCALID=", "LAMELLAR_RUN_", "LAMELLAR_NUM_PES="})
    if (variable.starts_with(prefix)) return true;
  return false;
}

}  // namespace

std::vector<unsigned> usable_cpus() {
  std::vector<unsigned> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

std::vector<unsigned> share_of(const std::vector<unsigned>& cpus, unsigned index,
                               unsigned count) {
  if (cpus.empty()) return {};
  if (count > cpus.size()) return {cpus[index % cpus.size()]};
  return {cpus.begin() + static_cast<std::ptrdiff_t>(index * cpus.size() / count),
          cpus.begin() + static_cast<std::ptrdiff_t>((index + 1) * cpus.size() / count)};
}

std::vector<std::string> environment_for_pes() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!is_of_a_launcher(*variable)) environment.emplace_back(*variable);
  return environment;
}

void set_variable(std::vector<std::string>& environment, const std::string& name,
                  const std::string& value) {
  std::erase_if(environment, [&](const std::string& old) { return old.starts_with(name + "="); });
  environment.push_back(name + "=" + value);
}

void raise_descriptor_limit(std::size_t needed) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, needed);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace lamellar::tools

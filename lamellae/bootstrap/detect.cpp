#include "lamellae/bootstrap/detect.hpp"

#include <sys/stat.h>

#include <charconv>
#include <cstring>
#include <optional>

namespace lamellar::lamellae {
namespace {

constexpr char kSrunRemedy[] = "start it with srun --mpi=pmi2 (or --mpi=pmix)";
constexpr char kMpirunRemedy[] =
    "start it with lamellar-run -n N, with MPICH's mpiexec or with an mpirun that offers PMIx";

std::optional<Pe> number(const char* text) {
  if (text == nullptr) return std::nullopt;
  Pe value = 0;
  const char* const end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, value);
  if (error != std::errc() || last != end || last == text) return std::nullopt;
  return value;
}

bool is_socket(Pe fd) {
  struct stat status{};
  return fstat(static_cast<int>(fd), &status) == 0 && S_ISSOCK(status.st_mode);
}

Detection no_pmi(std::string launcher, std::string sign, std::string why, std::string remedy) {
  Detection found;
  found.by = LaunchedBy::kNoPmi;
  found.launcher = std::move(launcher);
  found.sign = std::move(sign);
  found.why = std::move(why);
  found.remedy = std::move(remedy);
  return found;
}

Detection by_pmix(const Environment& environment) {
  Detection found;
  found.by = LaunchedBy::kPmix;
  found.sign = "PMIX_RANK";
  if (environment("OMPI_COMM_WORLD_SIZE") != nullptr) {
    found.launcher = "mpirun (PMIx)";
    found.remedy = "install libpmix2 on every host, or " + std::string(kMpirunRemedy);
    found.told_size = number(environment("OMPI_COMM_WORLD_SIZE")).value_or(0);
  } else if (environment("SLURM_STEP_ID") != nullptr) {
    found.launcher = "srun --mpi=pmix";
    found.remedy = "install libpmix2 on every host, or start it with srun --mpi=pmi2";
    found.told_size = number(environment("SLURM_STEP_NUM_TASKS")).value_or(0);
  } else {
    found.launcher = "a PMIx launcher";
    found.remedy = "install libpmix2 on every host, or start it with lamellar-run -n N";
  }
  // Without it PMIx_Init makes a job of one.
  if (environment("PMIX_NAMESPACE") == nullptr)
    return no_pmi(found.launcher, found.sign, "PMIX_NAMESPACE is not set", found.remedy);
  return found;
}

Detection by_wire(const Environment& environment) {
  Detection found;
  found.by = LaunchedBy::kWire;
  found.sign = "PMI_FD";
  if (environment("LAMELLAR_RUN_PID") != nullptr) {
    found.launcher = "lamellar-run";
    found.remedy = "let lamellar-run start it without a program between that closes descriptors";
  } else if (environment("SLURM_STEP_ID") != nullptr) {
    found.launcher = "srun --mpi=pmi2";
    found.remedy = kSrunRemedy + std::string(", without a program between that closes descriptors");
  } else {
    found.launcher = "mpiexec (PMI)";
    found.says_abort = false;
    found.remedy = "let mpiexec start it without a program between that closes descriptors";
  }
  const auto fd = number(environment("PMI_FD"));
  const auto rank = number(environment("PMI_RANK"));
  const auto size = number(environment("PMI_SIZE"));
  if (!fd || !is_socket(*fd))
    return no_pmi(found.launcher, found.sign,
                  "PMI_FD=" + std::string(environment("PMI_FD")) + " is no open socket",
                  found.remedy);
  if (!rank || !size || *rank >= *size)
    return no_pmi(found.launcher, found.sign, "PMI_RANK and PMI_SIZE do not say which PE it is",
                  found.remedy);
  found.fd = static_cast<int>(*fd);
  found.rank = *rank;
  found.size = *size;
  return found;
}

}  // namespace

LaunchError Detection::refusal(const std::string& why_not) const {
  return LaunchError("this process was started by " + launcher + " [" + sign + " is set], but " +
                     why_not + ": " + remedy);
}

Detection detect_launcher(const Environment& variables) {
  const Environment environment = [&variables](const char* name) {
    const char* value = variables(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
  };
  if (environment("PMIX_RANK") != nullptr) return by_pmix(environment);
  if (environment("PMI_FD") != nullptr) return by_wire(environment);
  if (environment("OMPI_COMM_WORLD_SIZE") != nullptr)
    return no_pmi("mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "it offers no PMIx (PMIX_RANK)",
                  kMpirunRemedy);
  if (environment("PMI_RANK") != nullptr)
    return no_pmi("mpiexec (PMI)", "PMI_RANK", "it gives no socket (PMI_FD)",
                  "start it with mpiexec without -pmi-port, or with "
                  "lamellar-run -n N");
  // SLURM_PROCID and SLURM_NTASKS prove nothing: the shell of an sbatch script has them too.
  const auto tasks = number(environment("SLURM_STEP_NUM_TASKS"));
  if (tasks.value_or(1) > 1) {
    Detection found;
    found.by = LaunchedBy::kSlurmLibrary;
    found.launcher = "srun --mpi=none";
    found.sign = "SLURM_STEP_NUM_TASKS";
    found.remedy = kSrunRemedy + std::string(", or install libpmi0 on every host");
    found.told_size = *tasks;
    return found;
  }
  return {};
}

}  // namespace lamellar::lamellae

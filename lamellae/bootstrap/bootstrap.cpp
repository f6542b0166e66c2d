#include "lamellae/bootstrap/bootstrap.hpp"

#include <cstdlib>

namespace lamellar::lamellae {

std::string launcher_in_environment() {
  // SLURM_PROCID alone proves nothing: an sbatch script's own shell has it too.
  static constexpr struct {
    const char* variable;
    const char* launcher;
  } kSigns[] = {{"PMIX_RANK", "mpirun or srun (PMIx)"},
                {"OMPI_COMM_WORLD_SIZE", "mpirun (Open MPI)"},
                {"PMI_FD", "mpiexec or srun (PMI)"},
                {"PMI_RANK", "mpiexec (PMI)"},
                {"SLURM_STEP_NUM_TASKS", "srun"}};
  for (const auto& sign : kSigns)
    if (std::getenv(sign.variable) != nullptr)
      return std::string(sign.launcher) + " [" + sign.variable + " is set]";
  return {};
}

}  // namespace lamellar::lamellae

// Alone, and who seems to have started us.
#include "lamellae/bootstrap/bootstrap.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace lamellar::lamellae {
namespace {

// All that launchers may have set, taken away and put back.
class CleanEnvironment {
 public:
  CleanEnvironment() {
    for (const char* const name : kNames) {
      const char* const value = std::getenv(name);
      before_.emplace_back(name, value != nullptr ? value : "");
      unsetenv(name);
    }
  }
  ~CleanEnvironment() {
    for (const auto& [name, value] : before_)
      value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  static constexpr const char* kNames[] = {"PMIX_RANK",     "OMPI_COMM_WORLD_SIZE",
                                           "PMI_FD",        "PMI_RANK",
                                           "SLURM_PROCID",  "SLURM_STEP_NUM_TASKS",
                                           "SLURM_STEP_ID", "SLURM_JOB_ID"};
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST(SoloBootstrap, IsAlone) {
  const auto solo = solo_bootstrap();
  EXPECT_EQ(solo->rank(), 0u);
  EXPECT_EQ(solo->size(), 1u);
  EXPECT_EQ(solo->allgather("me"), std::vector<std::string>{"me"});
  solo->abandon("nobody hears it");
  EXPECT_EQ(solo->allgather(std::string("\0\1", 2)).at(0).size(), 2u);
}

TEST(LauncherInEnvironment, IsEmptyWithoutSigns) {
  const CleanEnvironment clean;
  EXPECT_EQ(launcher_in_environment(), "");
}

TEST(LauncherInEnvironment, IsNamedWithItsSign) {
  const CleanEnvironment clean;
  const std::pair<const char*, const char*> signs[] = {{"PMIX_RANK", "PMIx"},
                                                       {"OMPI_COMM_WORLD_SIZE", "Open MPI"},
                                                       {"PMI_FD", "PMI"},
                                                       {"PMI_RANK", "mpiexec"},
                                                       {"SLURM_STEP_NUM_TASKS", "srun"}};
  for (const auto& [variable, launcher] : signs) {
    setenv(variable, "2", 1);
    const std::string named = launcher_in_environment();
    unsetenv(variable);
    EXPECT_NE(named.find(launcher), std::string::npos) << named;
    EXPECT_NE(named.find(variable), std::string::npos) << named;
  }
}

TEST(LauncherInEnvironment, DoesNotTakeABatchScriptForAStep) {
  const CleanEnvironment clean;
  setenv("SLURM_PROCID", "0", 1);
  setenv("SLURM_JOB_ID", "17", 1);
  EXPECT_EQ(launcher_in_environment(), "");
  unsetenv("SLURM_PROCID");
  unsetenv("SLURM_JOB_ID");
}

}  // namespace
}  // namespace lamellar::lamellae

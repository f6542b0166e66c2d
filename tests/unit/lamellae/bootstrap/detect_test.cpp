#include "lamellae/bootstrap/detect.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "lamellae/bootstrap/session.hpp"

namespace lamellar::lamellae {
namespace {

using Variables = std::map<std::string, std::string>;

Detection detect(const Variables& variables) {
  return detect_launcher([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal_of(const Variables& variables) {
  try {
    connect_launcher(detect(variables), 1'000'000'000);
  } catch (const LaunchError& error) {
    return error.what();
  }
  return "not refused";
}

class Detect : public testing::Test {
 protected:
  Detect() { socketpair(AF_UNIX, SOCK_STREAM, 0, fds_); }
  ~Detect() override {
    close(fds_[0]);
    close(fds_[1]);
  }
  Variables pmi(Variables more = {}) const {
    more.insert({{"PMI_FD", std::to_string(fds_[0])}, {"PMI_RANK", "2"}, {"PMI_SIZE", "4"}});
    return more;
  }
  int fds_[2];
};

TEST_F(Detect, WhichLauncherItIs) {
  const struct {
    Variables variables;
    LaunchedBy by;
    const char* launcher;
  } rows[] = {
      {{}, LaunchedBy::kNobody, "solo"},
      // The shell of an sbatch script.
      {{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "7"}},
       LaunchedBy::kNobody,
       "solo"},
      {{{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_STEP_ID", "0"}}, LaunchedBy::kNobody, "solo"},
      {{{"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_STEP_ID", "0"}},
       LaunchedBy::kSlurmLibrary,
       "srun --mpi=none"},
      {pmi(), LaunchedBy::kWire, "mpiexec (PMI)"},
      {pmi({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}}),
       LaunchedBy::kWire,
       "srun --mpi=pmi2"},
      {pmi({{"LAMELLAR_RUN_PID", "1"}}), LaunchedBy::kWire, "lamellar-run"},
      {{{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "n"}, {"OMPI_COMM_WORLD_SIZE", "2"}},
       LaunchedBy::kPmix,
       "mpirun (PMIx)"},
      {pmi({{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "n"}, {"SLURM_STEP_ID", "0"}}),
       LaunchedBy::kPmix,
       "srun --mpi=pmix"},
      {{{"PMIX_RANK", "0"}, {"PMIX_NAMESPACE", "n"}}, LaunchedBy::kPmix, "a PMIx launcher"},
      {{{"PMI_FD", ""}, {"PMIX_RANK", ""}}, LaunchedBy::kNobody, "solo"},
      // lamellar-run --lamella local: one process.
      {{{"LAMELLAR_RUN_PID", "1"}}, LaunchedBy::kNobody, "solo"},
  };
  for (const auto& row : rows) {
    const Detection found = detect(row.variables);
    EXPECT_EQ(found.by, row.by) << row.launcher;
    EXPECT_EQ(found.launcher, row.launcher);
  }
}

TEST_F(Detect, RankAndSizeComeWithTheSocket) {
  const Detection found = detect(pmi());
  EXPECT_EQ(found.fd, fds_[0]);
  EXPECT_EQ(found.rank, 2u);
  EXPECT_EQ(found.size, 4u);
}

TEST_F(Detect, ALauncherThatCannotBeReachedIsRefusedWithARemedy) {
  Variables closed = pmi({{"SLURM_STEP_ID", "0"}});
  closed["PMI_FD"] = "997";
  Variables file = pmi();
  file["PMI_FD"] = "0";
  if (isatty(0) != 0) file["PMI_FD"] = "998";
  Variables rank = pmi();
  rank["PMI_RANK"] = "4";
  const struct {
    Variables variables;
    std::vector<const char*> parts;
  } rows[] = {
      {{{"PMIX_RANK", "0"}, {"SLURM_STEP_ID", "0"}},
       {"srun --mpi=pmix [PMIX_RANK is set]", "PMIX_NAMESPACE", "srun --mpi=pmi2"}},
      {{{"PMIX_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, {"mpirun (PMIx)", "lamellar-run"}},
      {{{"OMPI_COMM_WORLD_SIZE", "2"}}, {"mpirun (Open MPI)", "PMIx", "lamellar-run -n N"}},
      {{{"PMI_RANK", "0"}}, {"mpiexec (PMI) [PMI_RANK is set]", "PMI_FD"}},
      {closed, {"srun --mpi=pmi2 [PMI_FD is set]", "PMI_FD=997 is no open socket", "--mpi=pmi2"}},
      {file, {"mpiexec (PMI)", "is no open socket"}},
      {rank, {"PMI_RANK and PMI_SIZE"}},
  };
  for (const auto& row : rows) {
    const std::string text = refusal_of(row.variables);
    for (const char* part : row.parts)
      EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  }
}

TEST_F(Detect, AServerThatHangsUpIsARefusal) {
  shutdown(fds_[1], SHUT_RDWR);
  const std::string text = refusal_of(pmi({{"LAMELLAR_RUN_PID", "1"}}));
  EXPECT_NE(text.find("lamellar-run [PMI_FD is set]"), std::string::npos) << text;
}

}  // namespace
}  // namespace lamellar::lamellae

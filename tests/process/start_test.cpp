// How a job starts: its shape, its settings, and what it refuses.
#include <gtest/gtest.h>

#include "process/child.hpp"

namespace process_tests {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Start, APlainProgramIsOnePe) {
  const Ended ended = run({"shape"});
  EXPECT_EQ(0, ended.status);
  EXPECT_TRUE(has(ended.out, "1 PEs, 1 ran, ")) << ended.out;
  EXPECT_TRUE(has(ended.out, "left []\n")) << ended.out;
  EXPECT_EQ("", ended.err);
}

TEST(Start, NumberOfPes) {
  EXPECT_TRUE(has(run({"shape"}, {"LAMELLAR_NUM_PES=3"}).out, "3 PEs, 3 ran, "));
  EXPECT_TRUE(has(run({"shape", "--lamellar-num-pes", "5"}).out, "5 PEs, 5 ran, "));
  EXPECT_TRUE(has(run({"shape", "--lamellar-num-pes=2"}, {"LAMELLAR_NUM_PES=3"}).out,
                  "2 PEs, 2 ran, "));
  EXPECT_EQ("3 PEs of 2\n", run({"shape_of_builder"}).out);
  EXPECT_EQ("4 PEs of 2\n", run({"shape_of_builder"}, {"LAMELLAR_NUM_PES=4"}).out);
  EXPECT_EQ("3 PEs\n", run({"shape_forced", "--lamellar-num-pes", "2"}).out);
}

TEST(Start, TheProgramsArgumentsAreLeftAlone) {
  const auto left = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"shape"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const std::string out = run(command).out;
    return out.substr(out.find("left "));
  };
  EXPECT_EQ("left [a|b]\n", left({"a", "--lamellar-num-pes", "2", "b"}));
  EXPECT_EQ("left [2|2]\n", left({"2", "--lamellar-num-pes", "2", "2"}));
  EXPECT_EQ("left [2|x]\n", left({"--lamellar-num-pes", "2", "--lamellar-threads", "2", "2", "x"}));
  EXPECT_EQ("left [--lamellar|-n|]\n", left({"--lamellar", "-n", ""}));
  EXPECT_EQ("left [a|--|--lamellar-num-pes|7]\n",
            left({"a", "--lamellar-strict", "--", "--lamellar-num-pes", "7"}));
  EXPECT_EQ("left []\n", left({"--lamellar-num-pes=2"}));
}

TEST(Start, WrongSettingsAreRefused) {
  const Ended backend = run({"shape"}, {"LAMELLAR_BACKEND=bogus"});
  EXPECT_EQ(2, backend.status);
  EXPECT_EQ("left []\n", backend.out);
  EXPECT_EQ(1u, backend.err_lines()) << backend.err;
  EXPECT_TRUE(has(backend.err, "LAMELLAR_BACKEND=\"bogus\" (environment) cannot be used: the "
                               "choices are auto, local, shmem"))
      << backend.err;
  EXPECT_EQ(2, run({"shape", "--lamellar-num-pes", "0"}).status);
  EXPECT_EQ(2, run({"shape", "--lamellar-num-pes"}).status);
  EXPECT_EQ(2, run({"shape", "--lamellar-backend", "tcp"}).status);
  const Ended option = run({"shape", "--lamellar-num-pez", "2"});
  EXPECT_EQ(2, option.status);
  EXPECT_TRUE(has(option.err, "--lamellar-num-pes")) << option.err;
  EXPECT_TRUE(has(run({"init"}, {"LAMELLAR_BACKEND=bogus"}).out, "ConfigError: "));
  EXPECT_TRUE(has(run({"unknown_builder_setting"}).out, "ConfigError: ")) << "builder";
}

TEST(Start, AnUnknownVariableIsWarnedOf) {
  const Ended ended = run({"shape"}, {"LAMELLAR_NUMPES=4"});
  EXPECT_EQ(0, ended.status);
  EXPECT_TRUE(has(ended.out, "1 PEs, 1 ran"));
  EXPECT_EQ(1u, ended.err_lines()) << ended.err;
  EXPECT_TRUE(has(ended.err, "LAMELLAR_NUMPES")) << ended.err;
  EXPECT_TRUE(has(ended.err, "did you mean LAMELLAR_NUM_PES?")) << ended.err;
}

TEST(Start, UnderALauncherItRefuses) {
  for (const char* variable : {"PMIX_RANK=0", "PMI_FD=7", "PMI_RANK=0", "SLURM_STEP_NUM_TASKS=4",
                               "OMPI_COMM_WORLD_SIZE=2"}) {
    const Ended ended = run({"shape"}, {variable});
    EXPECT_EQ(2, ended.status) << variable;
    EXPECT_EQ("left []\n", ended.out) << "a world of one ran";
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    const std::string name = variable;
    EXPECT_TRUE(has(ended.err, name.substr(0, name.find('=')))) << ended.err;
    EXPECT_TRUE(has(run({"init"}, {variable}).out, "LaunchError: ")) << variable;
  }
}

TEST(Start, ABatchScriptsVariablesAreNoLauncher) {
  const Ended ended = run({"shape"}, {"SLURM_PROCID=0", "SLURM_JOB_ID=12", "SLURM_NTASKS=4"});
  EXPECT_EQ(0, ended.status);
  EXPECT_TRUE(has(ended.out, "1 PEs, 1 ran")) << ended.out;
  EXPECT_EQ("", ended.err);
}

TEST(Start, InitIsForOnePe) {
  EXPECT_EQ("PE 0 of 1\n", run({"init"}).out);
  const Ended ended = run({"init"}, {"LAMELLAR_NUM_PES=2"});
  EXPECT_EQ(0, ended.status);
  EXPECT_TRUE(has(ended.out, "Unsupported: ")) << ended.out;
  EXPECT_TRUE(has(ended.out, "launch()")) << ended.out;
}

}  // namespace
}  // namespace process_tests

// lamellar-run, as its users meet it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace {

using process_tests::Child;
using process_tests::count;
using process_tests::Ended;

std::vector<std::string> command(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{LAMELLAR_RUN_PROGRAM};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

Ended run(const std::vector<std::string>& arguments,
          const std::vector<std::string>& variables = {}) {
  Child child(command(arguments), variables);
  Ended ended;
  ended.status = child.wait();
  ended.out = child.out();
  ended.err = child.err();
  return ended;
}

// N PEs of a shell script.
Ended script(const std::string& pes, const std::string& text) {
  return run({"-n", pes, "sh", "-c", text});
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

// "lamellar-run: PE 2 (host, pid 123) WHAT\n", and nothing else.
void expect_one_line(const std::string& err, const std::string& pe, const std::string& what) {
  const std::string begin = "lamellar-run: PE " + pe + " (" + host() + ", pid ";
  const std::string end = ") " + what + "\n";
  EXPECT_EQ(count(err, "\n"), 1u) << err;
  EXPECT_EQ(err.substr(0, begin.size()), begin);
  EXPECT_TRUE(err.size() > end.size() && err.ends_with(end)) << err;
}

std::string number_after(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + mark.size();
  return text.substr(begin, text.find_first_not_of("0123456789", begin) - begin);
}

// BLOCKS: until the process has ended. A zombie nobody waits for has ended too.
void wait_until_gone(const std::string& pid) {
  for (;;) {
    std::ifstream in("/proc/" + pid + "/stat");
    std::string line;
    if (!std::getline(in, line)) return;
    const char state = line[line.rfind(')') + 2];
    if (state == 'Z' || state == 'X') return;
  }
}

class Folder {
 public:
  Folder() {
    std::string text = (std::filesystem::temp_directory_path() / "lml-run.XXXXXX").string();
    path_ = mkdtemp(text.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(Run, StatusesOfPes) {
  const Ended good = script("3", "exit 0");
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.err, "");
  const Ended bad = script("3", "[ $PMI_RANK != 1 ] || exit 3; sleep 1000");
  EXPECT_EQ(bad.status, 3);
  expect_one_line(bad.err, "1", "ended with status 3");
}

TEST(Run, SignalsThatKillPes) {
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT, SIGTERM, SIGBUS}) {
    const Ended ended = script("3", "ulimit -c 0; [ $PMI_RANK != 2 ] || kill -" +
                                        std::to_string(signal) + " $$; sleep 1000");
    EXPECT_EQ(ended.status, 128 + signal);
    expect_one_line(ended.err, "2",
                    "was killed by signal " + std::to_string(signal) + " (SIG" +
                        sigabbrev_np(signal) + ")");
  }
}

TEST(Run, PesThatIgnoreSigtermAreKilled) {
  const Ended ended =
      script("3", "trap '' TERM; [ $PMI_RANK != 0 ] || exit 4; while :; do :; done");
  EXPECT_EQ(ended.status, 4);
  expect_one_line(ended.err, "0", "ended with status 4");
}

TEST(Run, StoppedPesAreKilled) {
  const Ended ended =
      script("2", "if [ $PMI_RANK = 0 ]; then kill -STOP $$; sleep 1000; fi; exit 4");
  EXPECT_EQ(ended.status, 4);
}

TEST(Run, StandardInputGoesToPeZero) {
  const std::string line = std::string("printf 'a\\nb\\n' | ") + LAMELLAR_RUN_PROGRAM +
                           " --tag-output -n 3 sh -c 'cat; echo end'";
  Child child({"/bin/sh", "-c", line}, {});
  EXPECT_EQ(child.wait(), 0);
  for (const char* part : {"[0] a\n", "[0] b\n", "[0] end\n", "[1] end\n", "[2] end\n"})
    EXPECT_EQ(count(child.out(), part), 1u) << part;
  EXPECT_EQ(count(child.out(), "\n"), 5u) << child.out();
}

TEST(Run, TagsStandBeforeEveryLineOfBothStreams) {
  const Ended ended =
      run({"--tag-output", "-n", "2", "sh", "-c", "printf 'a\\n\\nb'; printf 'x\\ny' >&2"});
  for (const char* pe : {"[0] ", "[1] "}) {
    for (const char* text : {"a\n", "\n", "b\n"})
      EXPECT_TRUE(has(ended.out, std::string(pe) + text)) << ended.out;
    for (const char* text : {"x\n", "y\n"})
      EXPECT_TRUE(has(ended.err, std::string(pe) + text)) << ended.err;
  }
  EXPECT_EQ(count(ended.out, "\n"), 6u);
  EXPECT_EQ(count(ended.err, "\n"), 4u);
}

TEST(Run, OutputIsCompleteAndUnmixed) {
  const Ended ended = run({"--tag-output", "-n", "3", "seq", "20000"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(count(ended.out, "\n"), 60000u);
  EXPECT_EQ(count(ended.out, "[1] 777\n"), 1u);
  const Ended plain = run({"-n", "1", "seq", "3"});
  EXPECT_EQ(plain.out, "1\n2\n3\n");
}

TEST(Run, OutputThatCannotBeWrittenEndsTheJob) {
  const std::string line = std::string("exec ") + LAMELLAR_RUN_PROGRAM +
                           " --tag-output -n 2 yes >/dev/full";
  Child child({"/bin/sh", "-c", line}, {});
  EXPECT_EQ(child.wait(), 1);
  EXPECT_EQ(child.err(),
            "lamellar-run: cannot write the output of the PEs: No space left on device\n");
}

TEST(Run, EndSignalsArePassedOn) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    Child child(command({"--tag-output", "-n", "2", LAMELLAR_PMI_PROBE, "stays"}), {});
    ASSERT_TRUE(child.out_has("PE 0 stays") && child.out_has("PE 1 stays")) << child.err();
    child.send(signal);
    EXPECT_EQ(child.wait(), 128 + signal);
    EXPECT_EQ(count(child.err(), "lamellar-run: "), 1u) << child.err();
    EXPECT_TRUE(has(child.err(), std::string("(SIG") + sigabbrev_np(signal) + ")\n"));
  }
}

TEST(Run, PesMayHandleSignals) {
  for (const int signal : {SIGINT, SIGUSR1, SIGUSR2}) {
    const std::string name = sigabbrev_np(signal);
    Child child(command({"-n", "2", "sh", "-c",
                         "trap 'echo got; exit 0' " + name +
                             "; echo ready$PMI_RANK; while :; do :; done"}),
                {});
    ASSERT_TRUE(child.out_has("ready0") && child.out_has("ready1"));
    child.send(signal);
    EXPECT_EQ(child.wait(), 0) << name;
    EXPECT_EQ(count(child.out(), "got\n"), 2u);
    EXPECT_EQ(child.err(), "");
  }
}

TEST(Run, AskedTwiceItKills) {
  Child child(command({"-n", "2", "sh", "-c",
                       "trap 'echo got' INT; echo ready$PMI_RANK; while :; do :; done"}),
              {});
  ASSERT_TRUE(child.out_has("ready0") && child.out_has("ready1"));
  child.send(SIGINT);
  ASSERT_TRUE(child.out_has("got"));
  child.send(SIGINT);
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
}

TEST(Run, PesDieWithIt) {
  auto child = std::make_unique<Child>(
      command({"-n", "3", "sh", "-c", "echo pid=$$ rank$PMI_RANK.; while :; do :; done"}),
      std::vector<std::string>{});
  for (const char* pe : {"rank0.", "rank1.", "rank2."}) ASSERT_TRUE(child->out_has(pe));
  child->send(SIGKILL);
  EXPECT_EQ(child->wait(), 128 + SIGKILL);
  std::string out = child->out();
  for (int pe = 0; pe < 3; ++pe) {
    const std::string pid = number_after(out, "pid=");
    ASSERT_NE(pid, "") << out;
    wait_until_gone(pid);
    out.erase(0, out.find("pid=") + 4);
  }
}

TEST(Run, NothingOfAPeStaysBehind) {
  const Folder folder;
  const std::string a = folder.file("a") + "$PMI_RANK";
  const std::string b = folder.file("b") + "$PMI_RANK";
  const Ended ended = script("2", "sleep 1000 & echo $! >" + a + "; setsid sh -c 'echo $$ >" + b +
                                      "; exec sleep 1000' & while [ ! -s " + b + " ]; do :; done");
  EXPECT_EQ(ended.status, 0) << ended.err;
  for (const char* name : {"a0", "a1", "b0", "b1"}) {
    std::string pid;
    std::getline(std::ifstream(folder.file(name)) >> std::ws, pid);
    ASSERT_NE(pid, "") << name;
    EXPECT_FALSE(std::filesystem::exists("/proc/" + pid)) << name;
  }
}

TEST(Run, ThePesFindEachOther) {
  for (const char* pes : {"1", "2", "5"}) {
    const Ended ended = run({"-n", pes, LAMELLAR_PMI_PROBE});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(count(ended.out, std::string(" of ") + pes + " by lamellar-run "),
              std::stoul(pes))
        << ended.out;
    EXPECT_EQ(count(ended.out, " watched, "), std::stoul(pes));
  }
}

TEST(Run, PesBehindANamespaceAreNoHostMates) {
  if (std::system("unshare -n true 2>/dev/null") != 0) GTEST_SKIP() << "no namespaces here";
  const Ended ended = script("3", std::string("[ $PMI_RANK != 1 ] || exec unshare -n ") +
                                      LAMELLAR_PMI_PROBE + "; exec " + LAMELLAR_PMI_PROBE);
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(count(ended.out, " with [0,2] on "), 2u) << ended.out;
  EXPECT_EQ(count(ended.out, "PE 1 of 3 by lamellar-run with [1] on "), 1u) << ended.out;
}

TEST(Run, LeavingEarlyIsAFailure) {
  const Ended zero = run({"-n", "3", LAMELLAR_PMI_PROBE, "leaves", "1", "0"});
  EXPECT_EQ(zero.status, 1);
  expect_one_line(zero.err, "1", "ended with status 0 while the job was running");
  const Ended five = run({"-n", "3", LAMELLAR_PMI_PROBE, "leaves", "2", "5"});
  EXPECT_EQ(five.status, 5);
  expect_one_line(five.err, "2", "ended with status 5");
}

TEST(Run, NotJoiningTheOthersIsAFailure) {
  const Ended ended = script("3", std::string("[ $PMI_RANK != 1 ] || exit 0; exec ") +
                                      LAMELLAR_PMI_PROBE);
  EXPECT_EQ(ended.status, 1);
  expect_one_line(ended.err, "1", "ended with status 0 and never joined the others");
}

TEST(Run, WhoGivesUpIsNamed) {
  const Ended ended = run({"-n", "3", LAMELLAR_PMI_PROBE, "gives_up", "1"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(count(ended.err, "lamellar-run: "), 1u);
  EXPECT_TRUE(has(ended.err, "lamellar-run: PE 1 (")) << ended.err;
}

TEST(Run, WhoDoesNotComeIsNamed) {
  const Ended ended =
      run({"-n", "3", LAMELLAR_PMI_PROBE, "absent", "1"}, {"PROBE_SECONDS=0.2"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_TRUE(has(ended.err, "world 'w'")) << ended.err;
  EXPECT_TRUE(has(ended.err, ": PE 1 did not come\n")) << ended.err;
}

TEST(Run, OneProcessOnTheLocalLamella) {
  const Ended ended = run({"-n", "4", "-t", "3", "--lamella", "local", "env"});
  EXPECT_EQ(ended.status, 0);
  for (const char* line : {"LAMELLAR_NUM_PES=4\n", "LAMELLAR_THREADS=3\n",
                           "LAMELLAR_BACKEND=local\n"})
    EXPECT_EQ(count(ended.out, line), 1u) << ended.out;
  EXPECT_FALSE(has(ended.out, "PMI_FD="));
  const Ended failed = run({"-n", "4", "--lamella", "local", "sh", "-c", "exit 6"});
  EXPECT_EQ(failed.status, 6);
  EXPECT_TRUE(has(failed.err, "the process of all 4 PEs (")) << failed.err;
}

TEST(Run, WhatOtherLaunchersSaidIsNotPassedOn) {
  const Ended ended = run({"-n", "1", "env"}, {"PMIX_RANK=3", "OMPI_COMM_WORLD_SIZE=8",
                                               "SLURM_STEP_NUM_TASKS=8", "LAMELLAR_NUM_PES=7",
                                               "PMI_RANK=5", "LAMELLAR_LOG=info"});
  for (const char* name : {"PMIX_", "OMPI_", "SLURM_", "LAMELLAR_NUM_PES", "PMI_RANK=5"})
    EXPECT_FALSE(has(ended.out, name)) << ended.out;
  EXPECT_TRUE(has(ended.out, "PMI_RANK=0\n"));
  EXPECT_TRUE(has(ended.out, "LAMELLAR_LOG=info\n"));
  EXPECT_TRUE(has(ended.out, "LAMELLAR_RUN_PID="));
}

TEST(Run, PinnedPesShareTheCores) {
  const Ended ended = run({"--pin", "-n", "1", "grep", "Cpus_allowed_list", "/proc/self/status"});
  std::ifstream in("/proc/self/status");
  std::string mine;
  while (std::getline(in, mine))
    if (mine.starts_with("Cpus_allowed_list")) break;
  EXPECT_EQ(ended.out, mine + "\n");
  EXPECT_EQ(run({"--pin", "-n", "70", "true"}).status, 0);
}

TEST(Run, WrongUseIsOneLineAndStatusTwo) {
  const struct {
    std::vector<std::string> arguments;
    const char* part;
  } rows[] = {
      {{}, "say how many PEs: -n N"},
      {{"-n", "0", "true"}, "-n needs a number from 1 to 4096, not '0'"},
      {{"-n", "-1", "true"}, "not '-1'"},
      {{"-n", "2x", "true"}, "not '2x'"},
      {{"-n", "5000", "true"}, "not '5000'"},
      {{"-n"}, "-n needs a value"},
      {{"-n", "2"}, "say which program to run"},
      {{"--bogus", "true"}, "there is no option --bogus"},
      {{"-z", "true"}, "there is no option -z"},
      {{"-n", "2", "-t", "x", "true"}, "LAMELLAR_THREADS"},
      {{"-n", "2", "--lamella", "bogus", "true"}, "LAMELLAR_BACKEND"},
      {{"-n", "2", "--pe", "1", "true"}, "--pe is for"},
      {{"-n", "2", "--gdb", "--pe", "2", "true"}, "the PEs are 0 to 1"},
      {{"-n", "2", "--gdb", "--valgrind", "true"}, "do not go together"},
      {{"-n", "2", "--pin", "--lamella", "local", "true"}, "--pin needs"},
      {{"--hosts", "a,b", "true"}, "-n N, or a number for each host, --hosts HOST:N"},
      {{"--hosts", "a,,b", "-n", "2", "true"}, "not 'a,,b'"},
      {{"--hosts", "a:0", "true"}, "--hosts HOST:N needs a number from 1 to 4096, not '0'"},
      {{"--hosts", "a,b,c", "-n", "2", "true"},
       "-n 2, but --hosts has 0 PEs with a number and 3 hosts without one"},
      {{"--hosts", "a:2,b:2", "-n", "5", "true"}, "-n 5, but --hosts has 4 PEs with a number"},
      {{"--hosts", "a", "-n", "2", "--lamella", "local", "true"}, "--lamella local has one"},
      {{"--hosts", "a", "-n", "2", "--gdb", "true"}, "are for PEs on this host"},
      {{"--hosts", "a", "-n", "2", "--rsh", " ", "true"}, "--rsh needs a command"},
  };
  for (const auto& row : rows) {
    const Ended ended = run(row.arguments);
    EXPECT_EQ(ended.status, 2) << row.part;
    EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
    EXPECT_TRUE(ended.err.starts_with("lamellar-run: ")) << ended.err;
    EXPECT_TRUE(has(ended.err, row.part)) << ended.err;
    EXPECT_EQ(ended.out, "");
  }
}

TEST(Run, ProgramsThatDoNotStart) {
  const Ended missing = run({"-n", "2", "no-such-program-at-all"});
  EXPECT_EQ(missing.status, 127);
  EXPECT_EQ(missing.err,
            "lamellar-run: cannot start 'no-such-program-at-all': No such file or directory\n");
  const Ended data = run({"-n", "2", "/etc/passwd"});
  EXPECT_EQ(data.status, 126);
  EXPECT_EQ(data.err, "lamellar-run: cannot start '/etc/passwd': Permission denied\n");
  EXPECT_EQ(run({"-n", "2", "/"}).status, 126);
}

TEST(Run, TooFewDescriptorsAreOneLine) {
  Child child({"/bin/sh", "-c",
               std::string("ulimit -n 20; exec ") + LAMELLAR_RUN_PROGRAM + " -n 40 sleep 1000"},
              {});
  EXPECT_EQ(child.wait(), 2);
  EXPECT_EQ(count(child.err(), "\n"), 1u) << child.err();
  EXPECT_TRUE(has(child.err(), "lamellar-run: cannot start PE ")) << child.err();
}

TEST(Run, HelpAndVersion) {
  const Ended help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_TRUE(help.out.starts_with("usage: lamellar-run -n N"));
  EXPECT_EQ(run({"--version"}).out.substr(0, 13), "lamellar-run ");
  // Options after the program are the program's.
  EXPECT_EQ(run({"-n", "1", "echo", "--help", "-n", "3"}).out, "--help -n 3\n");
  EXPECT_EQ(run({"-n", "1", "--", "echo", "-n1"}).out, "-n1\n");
}

TEST(Run, JobsAtOnceDoNotDisturbEachOther) {
  std::vector<std::unique_ptr<Child>> jobs;
  for (int job = 0; job < 8; ++job)
    jobs.push_back(std::make_unique<Child>(command({"-n", "2", LAMELLAR_PMI_PROBE}),
                                           std::vector<std::string>{}));
  for (const auto& job : jobs) {
    EXPECT_EQ(job->wait(), 0) << job->err();
    EXPECT_EQ(count(job->out(), " of 2 by lamellar-run "), 2u) << job->out();
  }
}

}  // namespace

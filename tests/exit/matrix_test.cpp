// The exit matrix: how a PE ends x where the others are x which launcher started them.
// LAMELLAR_EXIT_REPEATS (3) says how often; the times are printed, not judged.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <sstream>

#include "exit/job.hpp"

namespace exit_tests {
namespace {


// What makes the job end.
enum class Deed { kByItself, kSignalToPe, kSignalToLauncher, kKillAll };

struct Case {
  const char* name;
  const char* mode;  // of the culprit
  const char* wait;  // of the others
  unsigned culprit;
  Deed deed;
  int signal;
  int status;       // of lamellar-run
  const char* how;  // what the line says of the culprit; empty: no line is due
  bool outlived = true;  // somebody is left to say it
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

constexpr Case kCases[] = {
    {"returns_0", "return0", "return", 1, Deed::kByItself, 0, 0, ""},
    {"returns_3", "return3", "return", 1, Deed::kByItself, 0, 3, "ended with status 3"},
    {"throws_barrier", "throw", "barrier", 1, Deed::kByItself, 0, 1, "std::invalid_argument"},
    {"throws_spin", "throw", "spin", 1, Deed::kByItself, 0, 1, "std::invalid_argument"},
    {"aborts_barrier", "abort", "barrier", 1, Deed::kByItself, 0, 134,
     "killed by signal 6 (SIGABRT)"},
    {"aborts_spin", "abort", "spin", 1, Deed::kByItself, 0, 134,
     "killed by signal 6 (SIGABRT)"},
    {"segv_barrier", "segv", "barrier", 1, Deed::kByItself, 0, 139,
     "killed by signal 11 (SIGSEGV)"},
    {"segv_spin", "segv", "spin", 1, Deed::kByItself, 0, 139,
     "killed by signal 11 (SIGSEGV)"},
    {"sigkill_barrier", "return0", "barrier", 1, Deed::kSignalToPe, SIGKILL, 137,
     "killed by signal 9 (SIGKILL)"},
    {"sigkill_spin", "return0", "spin", 1, Deed::kSignalToPe, SIGKILL, 137,
     "killed by signal 9 (SIGKILL)"},
    {"sigkill_pe0", "return0", "barrier", 0, Deed::kSignalToPe, SIGKILL, 137,
     "killed by signal 9 (SIGKILL)"},
    {"sigterm_barrier", "return0", "barrier", 1, Deed::kSignalToPe, SIGTERM, 143,
     "killed by signal 15 (SIGTERM)"},
    {"sigterm_spin", "return0", "spin", 1, Deed::kSignalToPe, SIGTERM, 143,
     "killed by signal 15 (SIGTERM)"},
    {"exit0_barrier", "exit0", "barrier", 1, Deed::kByItself, 0, 1,
     "called exit(0) while the job runs"},
    {"exit0_spin", "exit0", "spin", 1, Deed::kByItself, 0, 1,
     "called exit(0) while the job runs"},
    {"exit5_barrier", "exit5", "barrier", 1, Deed::kByItself, 0, 5,
     "called exit(5) while the job runs"},
    {"exit5_spin", "exit5", "spin", 1, Deed::kByItself, 0, 5,
     "called exit(5) while the job runs"},
    {"_exit0_barrier", "_exit0", "barrier", 1, Deed::kByItself, 0, 1, "ended with status 0"},
    {"_exit0_spin", "_exit0", "spin", 1, Deed::kByItself, 0, 1, "ended with status 0"},
    {"_exit7_barrier", "_exit7", "barrier", 1, Deed::kByItself, 0, 7, "ended with status 7"},
    {"_exit7_spin", "_exit7", "spin", 1, Deed::kByItself, 0, 7, "ended with status 7"},
    {"_exit7_pe0", "_exit7", "barrier", 0, Deed::kByItself, 0, 7, "ended with status 7"},
    {"ctrl_c_barrier", "return0", "barrier", 3, Deed::kSignalToLauncher, SIGINT, 130, "", false},
    {"ctrl_c_spin", "return0", "spin", 3, Deed::kSignalToLauncher, SIGINT, 130, "", false},
    {"launcher_killed_barrier", "return0", "barrier", 3, Deed::kSignalToLauncher, SIGKILL, 137,
     "", false},
    {"launcher_killed_spin", "return0", "spin", 3, Deed::kSignalToLauncher, SIGKILL, 137, "",
     false},
    {"all_killed", "return0", "spin", 3, Deed::kKillAll, SIGKILL, 137, "", false},
};

int repeats() {
  const char* const told = std::getenv("LAMELLAR_EXIT_REPEATS");
  return told == nullptr ? 3 : std::max(1, std::atoi(told));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

void trigger(const Job& job, const Case& one) {
  switch (one.deed) {
    case Deed::kByItself:
      kill(job.pe(one.culprit), SIGRTMIN);
      break;
    case Deed::kSignalToPe:
      kill(job.pe(one.culprit), one.signal);
      break;
    case Deed::kSignalToLauncher:
      job.send_to_launcher(one.signal);
      break;
    case Deed::kKillAll:
      job.kill_all();
      break;
  }
}

// parts: separated by |.
bool has_one_of(const std::string& text, const std::string& parts) {
  std::istringstream in(parts);
  for (std::string part; std::getline(in, part, '|');)
    if (text.find(part) != std::string::npos) return true;
  return false;
}

// Exactly one line says it, and says which PE.
void expect_line(const Job& job, const Case& one, Launcher launcher) {
  const std::vector<std::string> lines = job.our_lines();
  const std::string text = joined(lines);
  // Of PEs that left in order only the launcher knows the status.
  const bool due = one.outlived && *one.how != '\0' &&
                   (launcher == Launcher::kLamellarRun || one.mode != std::string("return3"));
  if (!due) {
    EXPECT_LE(lines.size(), one.outlived ? 0u : 1u) << text;
    return;
  }
  if (launcher == Launcher::kHydra && lines.empty()) {
    // Hydra kills the others within milliseconds, mostly before one of them can say anything, and
    // says it itself (not always).
    return;
  }
  EXPECT_EQ(lines.size(), 1u) << job.err();
  EXPECT_NE(text.find("PE " + std::to_string(one.culprit)), std::string::npos) << text;
  // Before Linux 6.15, or before the launcher has waited for it, a PE cannot know.
  const bool may_be_unknown = launcher != Launcher::kLamellarRun;
  EXPECT_TRUE(has_one_of(text, one.how) ||
              (may_be_unknown && text.find("(killed?)") != std::string::npos))
      << text;
  if (one.mode != std::string("throw")) {
    EXPECT_NE(text.find("pid " + std::to_string(job.pe(one.culprit)) + ")"), std::string::npos)
        << text;
  }
  if (launcher == Launcher::kLamellarRun) {
    EXPECT_EQ(process_tests::count(job.err(), "\n"), 1u) << job.err();
  }
}

class Exit : public testing::TestWithParam<std::tuple<Launcher, Case>> {};

TEST_P(Exit, Leaves) {
  const auto [launcher, one] = GetParam();
  if (path_of(launcher).empty())
    GTEST_SKIP() << name_of(launcher) << " is not installed on this machine";
  std::vector<double> times;     // until every PE was gone
  std::vector<double> with_all;  // and the launcher
  std::string line;
  int status = 0;
  for (int i = 0; i < repeats(); ++i) {
    Job job(launcher, one.mode, one.wait, one.culprit);
    ASSERT_TRUE(job.started()) << job.out() << job.err();
    trigger(job, one);
    const Job::Gone gone = job.wait_until_gone();
    times.push_back(gone.pes_ms);
    with_all.push_back(gone.all_ms);
    status = job.status();
    if (launcher == Launcher::kLamellarRun || one.status == 0 || one.deed == Deed::kKillAll) {
      EXPECT_EQ(status, one.status) << job.err();
    } else if (launcher != Launcher::kHydra ||
               (one.signal != SIGINT && one.mode != std::string("_exit0"))) {
      // Hydra 4.0.2 ended with 0 now and then after SIGINT (with `sleep` too), and when the first
      // PE to end had said _exit(0).
      EXPECT_NE(status, 0) << job.err();
    }
    expect_line(job, one, launcher);
    EXPECT_EQ(job.processes_left().size(), 0u);
    EXPECT_EQ(joined(job.files_left()), "");
    line = joined(job.our_lines());
  }
  std::sort(times.begin(), times.end());
  std::sort(with_all.begin(), with_all.end());
  const double p95 = times[(times.size() * 95 + 99) / 100 - 1];
  // Soak holds a quiet machine to it. What other launchers take to tell their processes is theirs.
  if (const char* const bar = std::getenv("LAMELLAR_EXIT_BAR_MS");
      bar != nullptr && launcher == Launcher::kLamellarRun) {
    EXPECT_LE(p95, std::atof(bar));
  }
  std::printf("exit | %s | %s | status %d | PEs gone after %.0f ms (p95 %.0f, most %.0f), "
              "all %.0f | %s",
              name_of(launcher), one.name, status, times[times.size() / 2], p95, times.back(),
              with_all[with_all.size() / 2], line.empty() ? "-\n" : line.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, Exit,
    testing::Combine(testing::Values(Launcher::kLamellarRun, Launcher::kHydra, Launcher::kMpirun),
                     testing::ValuesIn(kCases)),
    [](const auto& info) {
      std::string name = std::string(name_of(std::get<0>(info.param))) + "_" +
                         std::get<1>(info.param).name;
      std::erase(name, '-');
      return name;
    });

}  // namespace
}  // namespace exit_tests

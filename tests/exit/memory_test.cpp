// A job that cannot start says why in one line, and ends.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include "base/core/sanitizers.hpp"
#include "exit/job.hpp"

namespace exit_tests {
namespace {

using process_tests::count;
using process_tests::Ended;

// `script` is given the command of a job of 2 PEs as "$@".
Ended shell(const std::string& script, const std::string& token = "exit-token-memory.") {
  process_tests::Child child({"/bin/sh", "-c", script, "sh", LAMELLAR_RUN_PROGRAM, "-n", "2",
                              LAMELLAR_EXIT_PROGRAM, token, "return0", "return", "9"},
                             {});
  Ended ended;
  ended.status = child.wait();
  ended.out = child.out();
  ended.err = child.err();
  return ended;
}

TEST(CannotStart, NoPes) {
  const Ended ended = shell("exec \"$1\" -n 0 \"$4\"");
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
  EXPECT_NE(ended.err.find("-n needs a number from 1"), std::string::npos) << ended.err;
}

TEST(CannotStart, NoProgram) {
  const Ended ended = shell("exec \"$1\" -n 2 /nowhere/at-all");
  EXPECT_EQ(ended.status, 127);
  EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
  EXPECT_NE(ended.err.find("'/nowhere/at-all'"), std::string::npos) << ended.err;
}

// Of many PEs with the same trouble one speaks, and none is overheard.
TEST(CannotStart, SettingsThatCannotBeUsedAreOneLine) {
  const std::string only_one = "exec \"$1\" -n 4 sh -c '[ $PMI_RANK != 2 ] || "
                               "export LAMELLAR_FRAME_BYTES=3; exec \"$@\"' sh \"$4\" t return0 "
                               "return 9";
  for (const std::string how : {"LAMELLAR_FRAME_BYTES=3 exec \"$@\"", only_one.c_str()}) {
    const Ended ended = shell(how);
    EXPECT_NE(ended.status, 0) << how;
    EXPECT_EQ(ended.err_lines(), 1u) << how << '\n' << ended.err;
    EXPECT_NE(ended.err.find("LAMELLAR_FRAME_BYTES"), std::string::npos) << ended.err;
  }
  for (const Launcher launcher : {Launcher::kMpirun, Launcher::kHydra}) {
    if (path_of(launcher).empty()) continue;
    const Ended ended = shell("LAMELLAR_FRAME_BYTES=3 exec " + path_of(launcher) +
                              (launcher == Launcher::kMpirun
                                   ? " --allow-run-as-root --oversubscribe --bind-to none"
                                   : "") +
                              " -n 4 \"$4\" t return0 return 9");
    EXPECT_NE(ended.status, 0) << name_of(launcher);
    EXPECT_EQ(count(ended.err, "LAMELLAR_FRAME_BYTES"), 1u) << ended.err;
    EXPECT_EQ(count(ended.err, "[lamellar"), 1u) << ended.err;
  }
}

TEST(CannotStart, AnUnknownSettingIsWarnedOfOnce) {
  const Ended ended = shell("LAMELLAR_FRAM_BYTES=3 exec \"$@\"");
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
  EXPECT_NE(ended.err.find("there is no setting LAMELLAR_FRAM_BYTES"), std::string::npos)
      << ended.err;
}

// Nothing is written but the output, so nothing else need be writable.
TEST(CannotStart, WhereNothingCanBeWrittenItRuns) {
  for (const std::string how : {"TMPDIR=/nowhere/at-all exec \"$@\"",
                                "d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\" && exec \"$@\"",
                                "cd / && exec \"$@\" >&-"}) {
    const Ended ended = shell(how);
    EXPECT_EQ(ended.status, 0) << how;
    EXPECT_EQ(ended.err, "") << how;
  }
}

#ifndef LAMELLAR_ADDRESS_SANITIZER  // its shadow memory alone takes terabytes of address space

// With every limit, the job either runs or says in one line which limit is too tight.
TEST(CannotStart, AddressSpace) {
  int refused = 0;
  int ran = 0;
  for (const int mib : {20, 24, 28, 30, 4000}) {
    const std::string limited = "ulimit -v " + std::to_string(mib * 1024) + " && exec ";
    // With less (a sanitizer's build is large) the kernel cannot map the program, and says nothing.
    if (shell(limited + "\"$1\" --version").status != 0) continue;
    const Ended ended = shell(limited + "\"$@\"");
    if (ended.status == 0) {
      ++ran;
      EXPECT_EQ(ended.err, "");
      continue;
    }
    ++refused;
    EXPECT_EQ(ended.err_lines(), 1u) << mib << " MiB\n" << ended.err;
    if (ended.err.find("shared memory: ") != std::string::npos) {
      EXPECT_NE(ended.err.find("RLIMIT_AS of " + std::to_string(mib * 1024L * 1024L) + " bytes"),
                std::string::npos)
          << ended.err;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(ran, 0);
}

// The pools of both PEs are mapped by each.
TEST(CannotStart, AddressSpaceForOthersSegments) {
  const Ended ended = shell(
      "ulimit -v 200000 && LAMELLAR_BUFFER_LIMIT=1G LAMELLAR_POOL_FRAMES=4096 exec \"$@\"");
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.err.find("mapping a segment of "), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("RLIMIT_AS of 204800000 bytes"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
}

// A memory cgroup of its own; where that may be made.
class Group {
 public:
  Group() : path_("/sys/fs/cgroup/memory/lml-exit-" + std::to_string(getpid())) {
    made_ = mkdir(path_.c_str(), 0755) == 0;
    if (!made_) why_ = path_ + ": " + std::strerror(errno);
  }
  ~Group() {
    if (made_) rmdir(path_.c_str());
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  bool limit(long bytes) {
    std::ofstream out(path_ + "/memory.limit_in_bytes");
    out << bytes;
    out.flush();
    if (!out) why_ = path_ + "/memory.limit_in_bytes cannot be written";
    return static_cast<bool>(out);
  }
  bool made() const { return made_; }
  const std::string& path() const { return path_; }
  const std::string& why() const { return why_; }

 private:
  std::string path_;
  std::string why_;
  bool made_ = false;
};

TEST(CannotStart, MemoryCgroup) {
  Group group;
  constexpr long kBytes = 18L << 20;
  if (!group.made() || !group.limit(kBytes))
    GTEST_SKIP() << "no memory cgroup can be made here: " << group.why();
  const Ended ended = shell("echo $$ > " + group.path() + "/cgroup.procs && exec \"$@\"");
  EXPECT_NE(ended.status, 0);
  EXPECT_EQ(ended.err_lines(), 1u) << ended.err;
  EXPECT_NE(ended.err.find("the cgroup memory limit of " + std::to_string(kBytes) + " bytes"),
            std::string::npos)
      << ended.err;
}

#endif

}  // namespace
}  // namespace exit_tests

// PEs that know the same active messages work together; any that do not are refused in one line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/core/sanitizers.hpp"
#include "exit/job.hpp"

namespace exit_tests {
namespace {

using process_tests::Child;
using process_tests::count;
using process_tests::Ended;

Ended run(const std::vector<std::string>& command) {
  Child child(command, {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"});
  Ended ended;
  ended.status = child.wait();
  ended.out = child.out();
  ended.err = child.err();
  return ended;
}

// A job of 2 PEs, of which PE 0 becomes `first` and PE 1 `second` (commands of the shell).
Ended run_two(const std::string& first, const std::string& second) {
  return run({LAMELLAR_RUN_PROGRAM, "-n", "2", "/bin/sh", "-c",
              "if [ $PMI_RANK = 0 ]; then exec " + first + "; else exec " + second + "; fi"});
}

std::string program(const std::string& path, const std::string& plugin, const std::string& when) {
  return path + " " + plugin + " " + when;
}

void expect_refused(const Ended& ended, const std::string& one, const std::string& other) {
  EXPECT_NE(ended.status, 0);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(count(ended.err, "the PEs run different programs"), 1u) << ended.err;
  EXPECT_EQ(count(ended.err, "lamellar-run: ") + count(ended.err, "[lamellar"), 1u) << ended.err;
  for (const std::string& part : {std::string("PE 0 has active messages of "),
                                  std::string("PE 1 of "), one, other})
    EXPECT_NE(ended.err.find(part), std::string::npos) << part << " in " << ended.err;
  EXPECT_GE(count(ended.err, "build id "), 4u) << ended.err;
}

TEST(Plugin, LoadedBeforeTheJobItWorks) {
  const Ended ended =
      run({LAMELLAR_RUN_PROGRAM, "-n", "2", LML_PLUGIN_PROGRAM, LML_PLUGIN, "before"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, "the plugin's answer: 142\n");
  EXPECT_EQ(ended.err, "");
}

TEST(Plugin, LoadedAfterTheStartItIsRefused) {
  const Ended ended =
      run({LAMELLAR_RUN_PROGRAM, "-n", "2", LML_PLUGIN_PROGRAM, LML_PLUGIN, "after"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_NE(ended.out.find("refused: "), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("OfPlugin was registered after this world was built"),
            std::string::npos)
      << ended.out;
}

TEST(Plugin, LoadedByOnePeItIsRefused) {
  expect_refused(
      run({LAMELLAR_RUN_PROGRAM, "-n", "2", LML_PLUGIN_PROGRAM, LML_PLUGIN, "only_pe_0"}),
      LML_PLUGIN, LML_PLUGIN_PROGRAM);
}

TEST(Programs, DifferentOnesAreRefused) {
  const std::string one = program(LML_PLUGIN_PROGRAM, LML_PLUGIN, "none");
  const std::string other = program(LML_NAMELESS_PROGRAM, LML_PLUGIN, "none");
  expect_refused(run_two(one, other), LML_PLUGIN_PROGRAM, LML_NAMELESS_PROGRAM);
  for (const Launcher launcher : {Launcher::kMpirun, Launcher::kHydra}) {
    const std::string path = path_of(launcher);
    if (path.empty()) continue;
    std::vector<std::string> command{path};
    if (launcher == Launcher::kMpirun)
      command.insert(command.end(), {"--oversubscribe", "--bind-to", "none"});
    command.insert(command.end(), {"-n", "1", LML_PLUGIN_PROGRAM, LML_PLUGIN, "none", ":", "-n",
                                   "1", LML_NAMELESS_PROGRAM, LML_PLUGIN, "none"});
    const Ended ended = run(command);
    EXPECT_NE(ended.status, 0);
    EXPECT_EQ(count(ended.err, "[lamellar"), 1u) << ended.err;
    EXPECT_EQ(count(ended.err, "the PEs run different programs"), 1u) << ended.err;
  }
}

// Without a build id a program is known by what it declares.
TEST(Programs, WithoutABuildIdTheyAreComparedByTheirTypes) {
  const Folder folder;
  const std::string copy = folder.path() + "/copy";
  std::filesystem::copy_file(LML_NAMELESS_PROGRAM, copy);
  const std::string one = program(LML_NAMELESS_PROGRAM, LML_PLUGIN, "before");
  const Ended same = run_two(one, program(copy, LML_PLUGIN, "before"));
  EXPECT_EQ(same.status, 0) << same.err;
  EXPECT_EQ(same.out, "the plugin's answer: 142\n");
  const std::string other = program(LML_NAMELESS_PROGRAM, LML_NAMELESS_PLUGIN, "before");
  expect_refused(run_two(one, other), LML_PLUGIN, LML_NAMELESS_PLUGIN);
}

#ifndef LAMELLAR_ADDRESS_SANITIZER  // it refuses a library that is preloaded before it

// The library with another build id, as another build has.
TEST(Programs, AnotherLibraryIsRefused) {
  const Folder folder;
  const std::string copy = folder.path() + "/liblamellar-other.so";
  std::ifstream in(LML_LIBRARY, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::string note("\x14\0\0\0\x03\0\0\0GNU\0", 12);
  const std::size_t at = bytes.find(note);
  ASSERT_NE(at, std::string::npos) << "the library has no build id";
  bytes[at + note.size()] = static_cast<char>(bytes[at + note.size()] ^ 1);
  std::ofstream(copy, std::ios::binary) << bytes;
  const std::string same = program(LML_PLUGIN_PROGRAM, LML_PLUGIN, "none");
  expect_refused(run_two(same, "env LD_PRELOAD=" + copy + " " + same), LML_LIBRARY, copy);
}

#endif

}  // namespace
}  // namespace exit_tests

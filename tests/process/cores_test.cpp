// Where PEs and their threads are put: on cpus of their own when there are enough of them, and
// nowhere else than their launcher allows.
#include <gtest/gtest.h>
#include <sched.h>

#include <sstream>

#include "process/child.hpp"

namespace process_tests {
namespace {

std::vector<unsigned> my_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(0, sched_getaffinity(0, sizeof set, &set));
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

// Of a machine of any size the first two cpus, which both may be the same on the smallest.
struct Two {
  Two() : first(my_cpus().front()), second(my_cpus().size() > 1 ? my_cpus()[1] : first) {}
  const unsigned first, second;
  bool differ() const { return first != second; }
  // As the kernel writes it.
  std::string both() const {
    const char* const between = second == first + 1 ? "-" : ",";
    return differ() ? std::to_string(first) + between + std::to_string(second)
                    : std::to_string(first);
  }
};

// What the program said, by the words before " on " or the last one: "PE 0 main" -> "1".
using Said = std::map<std::string, std::string>;

struct Result {
  Ended ended;
  Said said;
};

// Runs a program that may use `cpus` only. before: of a launcher.
Result run_on(const std::string& cpus, const std::vector<std::string>& before,
              const std::vector<std::string>& variables, const char* name = "cores") {
  std::vector<std::string> command{"/usr/bin/taskset", "-c", cpus};
  command.insert(command.end(), before.begin(), before.end());
  command.push_back(program({name}).at(0));
  command.push_back(name);
  Child child(command, variables);
  Result result;
  result.ended.status = child.wait();
  result.ended.out = child.out();
  result.ended.err = child.err();
  std::istringstream lines(child.out());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t value = line.rfind(' ');
    std::string key = line.substr(0, value);
    if (key.ends_with(" on")) key.resize(key.size() - 3);
    result.said[key] = line.substr(value + 1);
  }
  return result;
}

std::vector<std::string> processes(const char* pes, const char* option = nullptr) {
  std::vector<std::string> command{LAMELLAR_RUN_PROGRAM, "-n", pes};
  if (option != nullptr) command.push_back(option);
  return command;
}

TEST(Cores, PesOfAHostAreOnDifferentOnes) {
  const Two two;
  if (!two.differ()) return;
  const std::string first = std::to_string(two.first), second = std::to_string(two.second);
  for (const char* const threads : {"LAMELLAR_THREADS=1", "LAMELLAR_THREADS=0"}) {
    const Result result = run_on(two.both(), processes("2"), {threads});
    ASSERT_EQ(0, result.ended.status) << result.ended.err;
    EXPECT_EQ("", result.ended.err);
    Said said = result.said;
    EXPECT_EQ("1", said["PE 0 threads"]);
    EXPECT_EQ("1", said["PE 1 threads"]);
    EXPECT_EQ(first, said["PE 0 main"]) << result.ended.out;
    EXPECT_EQ(second, said["PE 1 main"]) << result.ended.out;
    EXPECT_EQ(first, said["PE 0 user"]) << "inherited";
    EXPECT_EQ(second, said["PE 1 user"]) << "inherited";
    EXPECT_EQ(first, said["PE 0 lml0.standin"]) << "where those are that it stands in for";
    EXPECT_EQ(second, said["PE 1 lml1.standin"]);
    EXPECT_EQ(two.both(), said["PE 0 lml-helper"]);
    EXPECT_EQ(two.both(), said["PE 1 lml-helper"]);
    EXPECT_EQ(two.both(), said["end"]) << "the world's end gives the thread back";
  }
}

TEST(Cores, ThreadsOfOneProcessToo) {
  const Two two;
  if (!two.differ()) return;
  const std::string first = std::to_string(two.first), second = std::to_string(two.second);
  const Result pes = run_on(two.both(), {}, {"LAMELLAR_NUM_PES=2"});
  ASSERT_EQ(0, pes.ended.status) << pes.ended.err;
  Said said = pes.said;
  EXPECT_EQ(first, said["PE 0 main"]) << pes.ended.out;
  EXPECT_EQ(second, said["PE 1 main"]) << pes.ended.out;
  EXPECT_EQ(first, said["PE 0 lml0.standin"]) << pes.ended.out;
  EXPECT_EQ(second, said["PE 1 lml1.standin"]) << pes.ended.out;
  EXPECT_EQ(two.both(), said["PE 0 lml-helper"]);
  EXPECT_EQ(two.both(), said["end"]);

  const Result workers = run_on(two.both(), processes("1"), {});
  said = workers.said;
  EXPECT_EQ("2", said["PE 0 threads"]) << workers.ended.err;
  EXPECT_EQ(first, said["PE 0 main"]) << workers.ended.out;
  EXPECT_EQ(second, said["PE 0 lml0.0"]) << workers.ended.out;
  EXPECT_EQ(two.both(), said["PE 0 lml-helper"]);
}

TEST(Cores, NobodyIsBoundWhereTheyDoNotSuffice) {
  const Two two;
  for (const auto& [pes, threads] :
       std::vector<std::pair<const char*, const char*>>{{"3", "1"}, {"2", "2"}, {"1", "3"}}) {
    const std::vector<std::string> variables{std::string("LAMELLAR_THREADS=") + threads};
    for (Said said : {run_on(two.both(), processes(pes), variables).said,
                      run_on(two.both(), {}, {variables[0], std::string("LAMELLAR_NUM_PES=") + pes})
                          .said}) {
      EXPECT_EQ(two.both(), said["PE 0 main"]) << pes << " PEs, " << threads << " threads";
      EXPECT_EQ(two.both(), said["PE 0 lml-helper"]);
      EXPECT_EQ(threads, said["PE 0 threads"]);
      EXPECT_EQ(*threads == '1' ? "" : two.both(), said["PE 0 lml0.0"]);
    }
  }
}

TEST(Cores, WhatTheLauncherGaveIsKept) {
  const Two two;
  const std::string second = std::to_string(two.second);
  Result result = run_on(second, processes("2"), {});
  EXPECT_EQ("", result.ended.err);
  EXPECT_EQ(second, result.said["PE 0 main"]);
  EXPECT_EQ(second, result.said["PE 1 main"]);
  EXPECT_EQ("1", result.said["PE 1 threads"]);

  if (!two.differ()) return;
  result = run_on(two.both(), processes("2", "--pin"), {});
  EXPECT_EQ("", result.ended.err);
  EXPECT_EQ(std::to_string(two.first), result.said["PE 0 main"]);
  EXPECT_EQ(second, result.said["PE 1 main"]);
  EXPECT_EQ(second, result.said["PE 1 lml-helper"]) << "it may not leave the mask either";
  EXPECT_EQ("1", result.said["PE 1 threads"]);
  result = run_on(two.both(), processes("2", "--pin"), {"LAMELLAR_THREADS=2"});
  EXPECT_EQ(second, result.said["PE 1 lml1.0"]) << "two threads on one cpu, inside the mask";
}

TEST(Cores, AloneWithoutLauncherNothingIsBoundUnlessAskedFor) {
  const Two two;
  const std::string threads = two.differ() ? "2" : "1";
  Said said = run_on(two.both(), {}, {}).said;
  EXPECT_EQ(two.both(), said["PE 0 main"]);
  EXPECT_EQ(threads, said["PE 0 threads"]);
  said = run_on(two.both(), {}, {"LAMELLAR_BIND=core"}).said;
  EXPECT_EQ(std::to_string(two.first), said["PE 0 main"]);
  EXPECT_EQ(two.both(), said["PE 0 lml-helper"]);
  EXPECT_EQ(threads, said["PE 0 threads"]);
}

TEST(Cores, BindNoneBindsNothing) {
  const Two two;
  const Result result = run_on(two.both(), processes("2"), {"LAMELLAR_BIND=none"});
  EXPECT_EQ(0, result.ended.status);
  EXPECT_EQ(two.both(), Said(result.said)["PE 0 main"]);
  EXPECT_EQ(two.both(), Said(result.said)["PE 1 main"]);
}

TEST(Cores, BindCoreThatCannotBeIsAnErrorWithTheNumbers) {
  const std::string first = std::to_string(Two().first);
  for (const Ended& ended :
       {run_on(first, processes("2"), {"LAMELLAR_BIND=core"}).ended,
        run_on(first, {}, {"LAMELLAR_BIND=core", "LAMELLAR_NUM_PES=2"}).ended}) {
    EXPECT_EQ(2, ended.status);
    EXPECT_EQ(1u, ended.err_lines()) << ended.err;
    EXPECT_NE(std::string::npos,
              ended.err.find("LAMELLAR_BIND=core of PE 0 needs a cpu for every thread, but on its "
                             "host 2 PEs with 2 threads in all may use 1 cpu (" + first + "); "))
        << ended.err;
  }
}

// The cpu that a world is bound to is not all that the next one may use.
TEST(Cores, WorldsOfOneThreadHaveTheSameChoice) {
  const Two two;
  const Result result = run_on(two.both(), processes("1"), {}, "cores_init");
  EXPECT_EQ(0, result.ended.status);
  EXPECT_EQ("", result.ended.err);
  const std::string threads = two.differ() ? "2" : "1";
  EXPECT_EQ(2u, count(result.ended.out, "world threads " + threads + " on " +
                                            std::to_string(two.first) + "\n"))
      << result.ended.out;
  EXPECT_EQ(2u, count(result.ended.out, "inner threads " + threads + "\n")) << result.ended.out;
  EXPECT_EQ(1u, count(result.ended.out, "end on " + two.both() + "\n")) << result.ended.out;
}

}  // namespace
}  // namespace process_tests

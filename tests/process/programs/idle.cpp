// What a world costs that has nothing to do.
#include <dirent.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "program.hpp"

using programs::say;

namespace {

struct Never {
  int unused;
  lamellar::Task<int> exec(lamellar::Context& ctx) const {
    co_await ctx.world().async_barrier();
    co_return unused;
  }
};
LAMELLAR_AM(Never, unused);

struct Nothing {
  void exec(lamellar::Context&) const {}
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string word_behind(std::ifstream& in, const std::string& key) {
  std::string word;
  while (in >> word)
    if (word == key) {
      in >> word;
      return word;
    }
  return "";
}

// Voluntary context switches of every thread of this process, by its name.
std::map<std::string, long> switches() {
  std::map<std::string, long> all;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    std::ifstream in(std::string("/proc/self/task/") + task->d_name + "/status");
    const std::string name = word_behind(in, "Name:");
    all[name] += std::atol(word_behind(in, "voluntary_ctxt_switches:").c_str());
  }
  closedir(tasks);
  return all;
}

std::atomic<lamellar::Pe> g_waiting{0};

// Five seconds after all PEs have come to rest.
void watch(lamellar::Pe pes) {
  while (g_waiting.load() < pes) {
  }
  poll(nullptr, 0, 1000);
  const auto switches_before = switches();
  const double cpu_before = cpu_seconds();
  poll(nullptr, 0, 5000);
  const double cpu = cpu_seconds() - cpu_before;
  say("cpu_us %ld", static_cast<long>(cpu * 1e6));
  for (const auto& [name, count] : switches()) {
    const auto before = switches_before.find(name);
    say("switches %s %ld", name.c_str(),
        count - (before != switches_before.end() ? before->second : 0));
  }
  _exit(0);
}

}  // namespace

// Every PE waits for something that never comes.
PROCESS_PROGRAM(idle) {
  std::thread watcher([] { watch(4); });
  lamellar::launch(argc, argv, [](lamellar::World& world) {
    world.barrier();
    for (int i = 0; i < 1000; ++i)  // frames have been open, workers have worked
      world.exec_am_local(Nothing{}).block();
    ++g_waiting;
    if (world.my_pe() != 3)
      world.barrier();
    else
      world.exec_am_pe<Never>(0, 1).block();
    return 0;
  });
  watcher.join();
  return 1;
}

// Where the threads of each PE may run.
#include <dirent.h>

#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "program.hpp"

using programs::say;

namespace {

std::string value_of(const std::string& task, const std::string& key) {
  std::ifstream in("/proc/" + task + "/status");
  std::string word;
  while (in >> word)
    if (word == key) {
      in >> word;
      return word;
    }
  return "";
}

std::string cpus_of(const std::string& task) { return value_of(task, "Cpus_allowed_list:"); }
std::string my_cpus() { return cpus_of("thread-self"); }

// The cpus of each thread of this process, by its name.
std::multimap<std::string, std::string> all_threads() {
  std::multimap<std::string, std::string> all;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    const std::string path = std::string("self/task/") + task->d_name;
    const std::string name = value_of(path, "Name:");
    all.emplace(name, cpus_of(path));
  }
  closedir(tasks);
  return all;
}

// BLOCKS: until the library's thread of that name is running, and no thread that it has started
// bears its name still. A look takes time: only what two of them show is so.
void say_thread(unsigned pe, const std::string& name) {
  std::multimap<std::string, std::string> before, all;
  do {
    before = std::exchange(all, all_threads());
  } while (all.count(name) != 1 || all != before);
  say("PE %u %s on %s", pe, name.c_str(), all.find(name)->second.c_str());
}

unsigned threads_of(const lamellar::World& world) {
  return static_cast<unsigned>(world.num_threads_per_pe());
}

}  // namespace

PROCESS_PROGRAM(cores) {
  const int status = lamellar::launch(argc, argv, [](lamellar::World& world) {
    const auto pe = static_cast<unsigned>(world.my_pe());
    world.barrier();
    say_thread(pe, "lml-helper");
    for (unsigned worker = 0; worker + 1 < threads_of(world); ++worker)
      say_thread(pe, "lml" + std::to_string(pe) + '.' + std::to_string(worker));
    // This thread has been in user code all the time. Workers would wait, and attend.
    if (threads_of(world) == 1) say_thread(pe, "lml" + std::to_string(pe) + ".standin");
    say("PE %u threads %u", pe, threads_of(world));
    say("PE %u main on %s", pe, my_cpus().c_str());
    std::thread([pe] { say("PE %u user on %s", pe, my_cpus().c_str()); }).join();
    return 0;
  });
  say("end on %s", my_cpus().c_str());
  return status;
}

// Worlds one after the other, each with another one inside it.
PROCESS_PROGRAM(cores_init) {
  for (int i = 0; i < 2; ++i) {
    lamellar::World world = lamellar::init();
    say("world threads %u on %s", threads_of(world), my_cpus().c_str());
    lamellar::World inner = lamellar::init();
    say("inner threads %u", threads_of(inner));
  }
  say("end on %s", my_cpus().c_str());
  return 0;
}

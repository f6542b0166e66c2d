#pragma once
// Starting a program that dies with the process that started it.
#include <signal.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace lamellar::base {

struct SpawnRequest {
  std::vector<std::string> command;      // the first is looked up in this process's PATH
  std::vector<std::string> environment;  // NAME=value
  // Ours and the number it gets there; a descriptor that keeps its number is {fd, fd}. All others
  // of ours should be close-on-exec.
  std::vector<std::pair<int, int>> fds;
  std::vector<unsigned> cpus;  // where it may run; empty: anywhere
  sigset_t signal_mask;        // what it starts with
  bool own_group = false;      // a process group of its own, which no key press reaches
};

struct SpawnResult {
  pid_t pid = -1;  // -1: it did not start
  int error = 0;   // errno of what failed
  // What failed; "start" when the program itself could not be executed.
  const char* step = "";
};

// The child gets SIGKILL when the calling thread ends, however it ends. Signals that have the
// default disposition or a handler here have the default one there; ignored ones stay ignored,
// except SIGPIPE. THREADS: call it in a process of one thread. BLOCKS: until the program runs.
SpawnResult spawn(const SpawnRequest& request);

}  // namespace lamellar::base

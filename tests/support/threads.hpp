#pragma once
// The threads of this process, by their names.
#include <dirent.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace lamellar::testing_support {

inline std::size_t threads_named(const std::string& wanted) {
  std::size_t count = 0;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* const task = readdir(tasks)) {
    std::ifstream in(std::string("/proc/self/task/") + task->d_name + "/comm");
    std::string name;
    if (std::getline(in, name) && name == wanted) ++count;
  }
  closedir(tasks);
  return count;
}

}  // namespace lamellar::testing_support

#pragma once
// Other processes of this machine, as /proc tells of them.
#include <sys/types.h>

#include <string>
#include <vector>

namespace lamellar::base {

// The direct children of a process, in no order; zombies are left out.
std::vector<pid_t> children_of(pid_t parent);

struct ProcessInfo {
  pid_t parent = 0;
  char state = '?';
  std::string name;  // at most 15 characters of it
};

// parent is 0 when there is no such process.
ProcessInfo process_info(pid_t pid);

// Becomes readable when the process has ended; close-on-exec; -1 when there is no such process.
int open_pidfd(pid_t pid) noexcept;

}  // namespace lamellar::base

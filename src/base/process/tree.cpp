#include "base/process/tree.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace lamellar::base {

namespace {

// At most 1023 bytes of a file; empty when it cannot be read.
std::string start_of(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[1024];
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  return {text, static_cast<std::size_t>(size < 0 ? 0 : size)};
}

}  // namespace

ProcessInfo process_info(pid_t pid) {
  const std::string line = start_of("/proc/" + std::to_string(pid) + "/stat");
  // pid (name) state parent ...: the name may hold anything, also brackets.
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > line.size())
    return {};
  ProcessInfo info;
  info.name = line.substr(open + 1, close - open - 1);
  info.state = line[close + 2];
  info.parent = static_cast<pid_t>(std::strtol(line.c_str() + close + 4, nullptr, 10));
  return info;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    const ProcessInfo info = process_info(pid);
    if (info.parent == parent && info.state != 'Z') children.push_back(pid);
  }
  return children;
}

int open_pidfd(pid_t pid) noexcept { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace lamellar::base

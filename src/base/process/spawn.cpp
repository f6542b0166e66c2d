#include "base/process/spawn.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lamellar::base {
namespace {

struct Failure {
  const char* step;  // valid in the parent too: it is the same image
  int error;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void give_up(int report, const char* step) noexcept {
  const Failure failure{step, errno};
  if (write(report, &failure, sizeof failure) < 0) _exit(126);
  _exit(127);
}

// Async-signal-safe calls only.
[[noreturn]] void become(const SpawnRequest& request, char* const* arguments,
                         char* const* environment, pid_t parent, int report) noexcept {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(report, "prctl");
  if (getppid() != parent) _exit(127);  // it ended before the line above
  if (request.own_group && setpgid(0, 0) != 0) give_up(report, "setpgid");
  if (!request.cpus.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned cpu : request.cpus) CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) give_up(report, "sched_setaffinity");
  }
  for (const auto& [ours, theirs] : request.fds) {
    const int moved = ours == theirs ? fcntl(ours, F_SETFD, 0) : dup2(ours, theirs);
    if (moved < 0) give_up(report, "dup2");
  }
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &request.signal_mask, nullptr);
  execvpe(arguments[0], arguments, environment);
  give_up(report, "start");
}

}  // namespace

SpawnResult spawn(const SpawnRequest& request) {
  const std::vector<char*> arguments = pointers(request.command);
  const std::vector<char*> environment = pointers(request.environment);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return {-1, errno, "pipe2"};
  // Above every number a descriptor is moved to.
  int highest = 2;
  for (const auto& [ours, theirs] : request.fds) highest = std::max(highest, theirs);
  const int report_to = fcntl(report[1], F_DUPFD_CLOEXEC, highest + 1);
  close(report[1]);
  if (report_to < 0) {
    close(report[0]);
    return {-1, errno, "fcntl"};
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(request, arguments.data(), environment.data(), parent, report_to);
  const int fork_error = errno;
  close(report_to);
  SpawnResult result{pid, 0, ""};
  if (pid < 0) {
    result = {-1, fork_error, "fork"};
  } else {
    Failure failure{};
    ssize_t size = 0;
    do {
      size = read(report[0], &failure, sizeof failure);
    } while (size < 0 && errno == EINTR);
    if (size == sizeof failure) {
      while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      result = {-1, failure.error, failure.step};
    }
  }
  close(report[0]);
  return result;
}

}  // namespace lamellar::base

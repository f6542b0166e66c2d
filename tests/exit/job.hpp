#pragma once
// A job of exit_program under a launcher, and what is left of it.
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace exit_tests {

enum class Launcher { kLamellarRun, kHydra, kMpirun };

const char* name_of(Launcher launcher);
// Its path; empty when it is not installed.
std::string path_of(Launcher launcher);

// A folder of its own; removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::vector<std::string> content() const;

 private:
  std::string path_;
};

// What lies in a folder now.
std::vector<std::string> content_of(const std::string& folder);

// All processes that carry `token` in their environment or arguments, zombies left out.
std::vector<pid_t> processes_with(const std::string& token);

class Job {
 public:
  // Starts 4 PEs; variables: of the environment, NAME=VALUE. BLOCKS: until all of them are ready,
  // or the launcher has ended.
  Job(Launcher launcher, const std::string& mode, const std::string& wait, unsigned culprit,
      const std::vector<std::string>& variables = {});
  ~Job();

  bool started() const { return started_; }
  pid_t pe(unsigned pe) const { return pes_[pe]; }
  void send_to_launcher(int signal) const { child_->send(signal); }
  // SIGKILL to each of its processes, the launcher's too.
  void kill_all() const;

  // Milliseconds since the call of wait_until_gone().
  struct Gone {
    double pes_ms = 0;  // every PE
    double all_ms = 0;  // the launcher's processes too
  };
  // BLOCKS: until every process of it has ended.
  Gone wait_until_gone();
  // BLOCKS: until the launcher has ended.
  int status() { return child_->wait(); }

  const std::string& out() const { return child_->out(); }
  const std::string& err() const { return child_->err(); }
  // The lines on standard error that we wrote, not the launcher.
  std::vector<std::string> our_lines() const;
  std::vector<pid_t> processes_left() const { return processes_with(token_); }
  std::vector<std::string> files_left() const;

 private:
  Launcher launcher_;
  std::string token_;
  Folder temporary_;
  Folder said_;  // what the PEs write to standard error, where it does not go to the launcher
  std::vector<std::string> shared_before_;
  std::unique_ptr<process_tests::Child> child_;
  std::vector<pid_t> pes_;
  std::vector<int> pidfds_;  // the PEs' first
  bool started_ = false;
};

}  // namespace exit_tests

#pragma once
// The PEs of one job, from their start to the last of what they leave behind.
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process/event_loop.hpp"
#include "base/process/signals.hpp"
#include "base/process/spawn.hpp"
#include "tools/lamellar-run/hosts.hpp"
#include "tools/lamellar-run/options.hpp"
#include "tools/lamellar-run/output.hpp"
#include "tools/lamellar-run/pmi_server.hpp"

namespace lamellar::tools {

// REQUIRES: a process of one thread that has nothing else to do.
class Job {
 public:
  explicit Job(const Options& options);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // The status for lamellar-run. BLOCKS: until nothing of the job is left.
  // ERRORS: std::system_error.
  int run();

 private:
  struct Process {
    pid_t pid = -1;
    int socket = -1;  // PMI; -1: none or closed
    std::unique_ptr<TaggedOutput> outputs[2];
    std::optional<int> wait_status;  // how it ended
  };
  struct Failure {
    unsigned pe;
    int status;
    bool killed;
    std::string what;
  };

  bool start_all();
  bool start(unsigned pe);
  std::vector<std::string> command_of(unsigned pe) const;
  std::vector<std::string> environment_of(unsigned pe, int pmi_fd) const;
  std::vector<unsigned> cpus_of(unsigned pe) const;
  std::vector<std::pair<int, int>> fds_of(unsigned pe, int pmi_fd, const int (&outputs)[2]) const;
  void watch(unsigned pe);

  void on_signal();
  void on_socket(unsigned pe);
  void on_output(unsigned pe, int stream);
  void close_output(std::unique_ptr<TaggedOutput>& output);
  void reap();
  void ended(unsigned pe, int wait_status);
  std::optional<Failure> failure_of(unsigned pe) const;
  void pe_left_early();
  void decide();
  void report();
  void fail(int status, const std::string& line);
  void signal_all(int signal) const;
  void hang_up(unsigned pe);
  bool all_ended() const;
  void finish_outputs();
  void sweep() noexcept;

  Options options_;
  std::string host_;
  std::vector<unsigned> cpus_;
  std::vector<std::string> inherited_;  // environment
  int null_ = -1;
  base::SignalEvents signals_;
  base::EventLoop loop_;
  std::unique_ptr<Hosts> hosts_;  // null: all PEs are children of this process
  PmiServer server_;
  std::vector<Process> processes_;
  std::vector<Failure> failures_;  // until one of them is reported
  std::uint64_t report_at_ns_ = base::kForever;
  std::optional<int> status_;  // the job's, once a PE failed
  std::uint64_t kill_at_ns_ = base::kForever;
  bool asked_to_end_ = false;  // by a signal
};

}  // namespace lamellar::tools

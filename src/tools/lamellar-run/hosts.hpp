#pragma once
// The first lamellar-run's side of a job on several hosts: an agent on each, reached by ssh or
// another command of the user's choice.
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/process/event_loop.hpp"
#include "base/process/signals.hpp"
#include "tools/lamellar-run/channel.hpp"
#include "tools/lamellar-run/options.hpp"

namespace lamellar::tools {

class Hosts {
 public:
  // What the agents say. Called in run_once() of the loop, or in late().
  struct Events {
    std::function<void(unsigned pe, const std::string& bytes)> pmi;
    std::function<void(unsigned pe, int wait_status)> ended;
    // The job cannot start or go on. status: lamellar-run's.
    std::function<void(int status, const std::string& line)> failed;
  };
  Hosts(const Options& options, base::EventLoop& loop, const base::SignalEvents& signals,
        Events events);
  ~Hosts();
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  // False: failed() was called.
  bool start();
  void send_pmi(unsigned pe, const std::string& text);
  void send_signal(int signal);
  // "n1, pid 4711", as far as the agent has told.
  std::string where(unsigned pe) const;
  // A child of this process ended. False: it is none of ours.
  bool reaped(pid_t pid, int wait_status);

  // When late() is due; kForever: never.
  std::uint64_t deadline_ns() const noexcept { return deadline_ns_; }
  void late();
  // The agents have this long; then their hosts are given up and all their PEs count as ended.
  void give_up_after(std::uint64_t ns) noexcept;
  // The job is over: the agents end, at most two seconds long, and what is left of them is killed.
  void end();

 private:
  struct Agent {
    std::string name;       // as the user typed it
    std::string host;       // as it calls itself; empty before it is ready
    std::string command;    // for messages
    unsigned first = 0;
    unsigned pes = 0;
    pid_t pid = -1;         // of the command that reaches it
    int fd = -1;
    std::unique_ptr<Channel> channel;
  };
  struct Pe {
    std::size_t agent = 0;
    pid_t pid = -1;
    bool ended = false;
    std::string lines[2];  // tagged output that waits for its end
  };

  bool start(Agent& agent);
  void on_bytes(Agent& agent);
  void take(Agent& agent, const lamellae::WireLine& line, const std::string& bytes);
  void pass_on(unsigned pe, unsigned stream, const std::string& bytes);
  void feed();
  void send_input();
  void hang_up(Agent& agent);
  void pe_ended(unsigned pe, int wait_status);
  void cannot_start(const Agent& agent, const lamellae::WireLine& line);
  lamellae::WireLine job_of(const Agent& agent) const;
  bool all_ready() const;

  const Options& options_;
  base::EventLoop& loop_;
  const base::SignalEvents& signals_;
  const Events events_;
  std::vector<Agent> agents_;
  std::vector<Pe> pes_;
  std::uint64_t deadline_ns_ = base::kForever;
  bool giving_up_ = false;
  bool over_ = false;
};

}  // namespace lamellar::tools

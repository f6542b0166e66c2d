#pragma once
// lamellar-run on another host: starts the PEs of that host and passes on what they and the first
// lamellar-run say to each other, over its standard input and output. Ends with that connection,
// and the PEs with it.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/process/event_loop.hpp"
#include "base/process/signals.hpp"
#include "tools/lamellar-run/channel.hpp"

namespace lamellar::tools {

// REQUIRES: a process of one thread that has nothing else to do.
class Agent {
 public:
  Agent();
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // BLOCKS: until the connection has ended and nothing of the job is left here.
  int run();

 private:
  struct Process {
    pid_t pid = -1;
    int socket = -1;
    int outputs[2] = {-1, -1};
    bool ended = false;
  };

  void take(const lamellae::WireLine& line, const std::string& bytes);
  void begin(const lamellae::WireLine& job);
  bool start(unsigned index, const lamellae::WireLine& job);
  void on_socket(unsigned index);
  void on_output(unsigned index, int stream);
  void on_signal();
  void reap();
  void give_input();
  void forget(int& fd);
  unsigned pe_of(unsigned index) const { return first_ + index; }
  Process* process_of(const lamellae::WireLine& line);

  base::SignalEvents signals_;
  base::EventLoop loop_;
  Channel channel_;
  std::vector<Process> processes_;
  unsigned first_ = 0;
  int input_ = -1;  // PE 0's
  std::string pending_input_;
  bool input_ends_ = false;
  bool over_ = false;
};

}  // namespace lamellar::tools

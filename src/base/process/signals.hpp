#pragma once
// Signals as numbers with names, held back, and as events of a descriptor.
#include <signal.h>

#include <initializer_list>
#include <optional>
#include <string>

namespace lamellar::base {

// "SIGKILL" for 9; "signal 64" for what has no name.
std::string signal_name(int signal);

// While it lives, the calling thread and the threads it starts get no signal but those a thread
// causes itself (SIGSEGV, ...). For calls into libraries that start threads of their own.
class SignalsHeldBack {
 public:
  SignalsHeldBack() noexcept;
  ~SignalsHeldBack();
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

 private:
  sigset_t before_;
};

// Signals of the calling thread's process as events, instead of handlers. While it lives they are
// blocked on this thread. Meant for programs of one thread.
class SignalEvents {
 public:
  struct Event {
    int signal = 0;
    // The kernel sent it to the whole foreground group: a key was pressed in the terminal.
    bool from_terminal = false;
  };

  // ERRORS: std::system_error.
  explicit SignalEvents(std::initializer_list<int> signals);
  ~SignalEvents();
  SignalEvents(const SignalEvents&) = delete;
  SignalEvents& operator=(const SignalEvents&) = delete;

  // Readable while an event is there.
  int fd() const noexcept { return fd_; }
  // BLOCKS: never.
  std::optional<Event> next() noexcept;
  // The mask there was before: what a child gets.
  const sigset_t& mask_before() const noexcept { return before_; }

 private:
  int fd_ = -1;
  sigset_t before_;
};

}  // namespace lamellar::base

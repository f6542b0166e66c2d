#pragma once
// Runs programs of tests/process/programs as child processes and keeps what they say.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace process_tests {

// A running child; its output is collected while somebody waits for it.
// THREADS: one. LIFETIME: a child that is still running is killed by the destructor.
class Child {
 public:
  // `command` is found by path; variables are added to this environment, from which everything
  // that means something to Lamellar or its launchers is left out.
  Child(const std::vector<std::string>& command, const std::vector<std::string>& variables);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // BLOCKS: until `text` has been printed there; false when the child's output ended without it.
  bool out_has(std::string_view text) { return has(0, text); }
  bool err_has(std::string_view text) { return has(1, text); }
  // BLOCKS: until it printed something; false when its output ended.
  bool more();
  void send(int signal) const;

  // BLOCKS: until it ended. Its exit status, or 128 + the signal that ended it.
  int wait();
  // Everything printed so far; after wait(): everything.
  const std::string& out() const { return text_[0]; }
  const std::string& err() const { return text_[1]; }

 private:
  bool has(int stream, std::string_view text);

  pid_t pid_ = -1;
  int status_ = -1;
  int fds_[2] = {-1, -1};
  std::string text_[2];
};

// What is left of a child.
struct Ended {
  int status = 0;
  std::string out;
  std::string err;

  std::size_t err_lines() const;
};

// The command line of a program of tests/process/programs.
std::vector<std::string> program(const std::vector<std::string>& arguments);

// Runs one to its end.
Ended run(const std::vector<std::string>& arguments,
          const std::vector<std::string>& variables = {});

std::size_t count(std::string_view text, std::string_view part);

// "file.cpp:12" of the line of programs/<file> that carries the comment "// here: <mark>".
std::string line_of(const std::string& file, const std::string& mark);

}  // namespace process_tests

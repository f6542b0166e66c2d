#include "process/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace process_tests {
namespace {

bool means_something(std::string_view variable) {
  for (const std::string_view prefix : {"LAMELLAR_", "PMIX_", "PMI_", "OMPI_", "SLURM_"})
    if (variable.substr(0, prefix.size()) == prefix) return true;
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

std::string folder_of_this_program() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  check(size < 0 ? errno : 0, "readlink");
  const std::string whole(path, static_cast<std::size_t>(size));
  return whole.substr(0, whole.rfind('/'));
}

}  // namespace

Child::Child(const std::vector<std::string>& command, const std::vector<std::string>& variables) {
  std::vector<std::string> arguments = command;
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!means_something(*variable)) environment.emplace_back(*variable);
  environment.insert(environment.end(), variables.begin(), variables.end());

  int pipes[2][2];
  for (auto& ends : pipes) check(pipe2(ends, O_CLOEXEC) != 0 ? errno : 0, "pipe2");
  posix_spawn_file_actions_t actions;
  check(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  for (int stream = 0; stream < 2; ++stream)
    posix_spawn_file_actions_adddup2(&actions, pipes[stream][1], stream + 1);
  const int error = posix_spawn(&pid_, command.front().c_str(), &actions, nullptr,
                                pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  for (int stream = 0; stream < 2; ++stream) {
    close(pipes[stream][1]);
    fds_[stream] = pipes[stream][0];
  }
  check(error, command.front().c_str());
}

Child::~Child() {
  if (status_ < 0) {
    send(SIGKILL);
    wait();
  }
}

void Child::send(int signal) const { kill(pid_, signal); }

bool Child::more() {
  pollfd ends[2] = {{fds_[0], POLLIN, 0}, {fds_[1], POLLIN, 0}};  // negative: ignored
  if (fds_[0] < 0 && fds_[1] < 0) return false;
  if (poll(ends, 2, -1) < 0) return errno == EINTR;
  for (int stream = 0; stream < 2; ++stream) {
    if (ends[stream].revents == 0) continue;
    char bytes[4096];
    const ssize_t size = read(fds_[stream], bytes, sizeof bytes);
    if (size > 0) {
      text_[stream].append(bytes, static_cast<std::size_t>(size));
    } else if (size == 0 || errno != EINTR) {
      close(fds_[stream]);
      fds_[stream] = -1;
    }
  }
  return true;
}

bool Child::has(int stream, std::string_view text) {
  while (text_[stream].find(text) == std::string::npos)
    if (!more()) return false;
  return true;
}

int Child::wait() {
  while (status_ < 0) {
    while (more()) {
    }
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) continue;
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return status_;
}

std::size_t Ended::err_lines() const {
  return static_cast<std::size_t>(std::count(err.begin(), err.end(), '\n'));
}

std::vector<std::string> program(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{folder_of_this_program() + "/process_programs"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Ended run(const std::vector<std::string>& arguments, const std::vector<std::string>& variables) {
  Child child(program(arguments), variables);
  Ended ended;
  ended.status = child.wait();
  ended.out = child.out();
  ended.err = child.err();
  return ended;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size()))
    ++found;
  return found;
}

std::string line_of(const std::string& file, const std::string& mark) {
  std::ifstream in(LAMELLAR_SOURCE_DIR "/tests/process/programs/" + file);
  const std::string comment = "// here: " + mark;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number)
    if (line.size() >= comment.size() && line.ends_with(comment))
      return file + ":" + std::to_string(number);
  throw std::runtime_error("no line of " + file + " is marked '" + mark + "'");
}

}  // namespace process_tests

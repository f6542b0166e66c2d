#include "tools/lamellar-run/job.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "base/clock/clock.hpp"
#include "base/clock/rng.hpp"
#include "base/process/tree.hpp"
#include "lamellae/bootstrap/host.hpp"
#include "lamellae/bootstrap/wire_line.hpp"
#include "tools/lamellar-run/place.hpp"

namespace lamellar::tools {
namespace {

// Between SIGTERM and SIGKILL.
constexpr std::uint64_t kGraceNs = 150'000'000;
// For a PE that another one names as its reason to end.
constexpr std::uint64_t kCulpritNs = 50'000'000;
constexpr std::uint64_t kSweepNs = 2'000'000'000;

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kUnusable = 2;

void say(const std::string& line) {
  const std::string text = "lamellar-run: " + line + "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody listens
}

int status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int open_null() {
  const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "/dev/null");
  return fd;
}

std::string random_space() {
  char text[40];
  std::snprintf(text, sizeof text, "lamellar-run.%016llx",
                static_cast<unsigned long long>(base::random_u64()));
  return text;
}

}  // namespace

Job::Job(const Options& options)
    : options_(options),
      host_(lamellae::host_name()),
      cpus_(usable_cpus()),
      inherited_(environment_for_pes()),
      null_(open_null()),
      signals_({SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}),
      server_(options.pes, random_space(),
              [this](unsigned pe, const std::string& text) {
                if (hosts_) return hosts_->send_pmi(pe, text);
                // An answer is short and the PE waits for it: it fits, or the PE is broken.
                const int socket = processes_[pe].socket;
                const auto size = static_cast<ssize_t>(text.size());
                if (socket >= 0 &&
                    send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != size)
                  shutdown(socket, SHUT_RDWR);
              }),
      processes_(options.one_process() ? 1 : options.pes) {
  raise_descriptor_limit(processes_.size() * (options_.tag_output ? 3 : 1) + 64);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the PEs leave behind comes to us
  if (options_.hosts.empty()) return;
  Hosts::Events events;
  events.pmi = [this](unsigned pe, const std::string& bytes) {
    server_.receive(pe, bytes);
    pe_left_early();
  };
  events.ended = [this](unsigned pe, int wait_status) {
    ended(pe, wait_status);
    decide();
    pe_left_early();
  };
  events.failed = [this](int status, const std::string& line) { fail(status, line); };
  hosts_ = std::make_unique<Hosts>(options_, loop_, signals_, std::move(events));
}

Job::~Job() {
  for (unsigned pe = 0; pe < processes_.size(); ++pe) hang_up(pe);
  sweep();
  close(null_);
}

int Job::run() {
  loop_.watch(signals_.fd(), [this] { on_signal(); });
  if (start_all()) {
    while (!all_ended()) {
      try {
        const std::uint64_t hosts_ns = hosts_ ? hosts_->deadline_ns() : base::kForever;
        if (loop_.run_once(std::min({kill_at_ns_, report_at_ns_, hosts_ns}))) continue;
        if (base::now_ns() >= report_at_ns_) {
          report();
        } else if (base::now_ns() >= hosts_ns) {
          hosts_->late();
        } else {
          signal_all(SIGKILL);
          if (hosts_) hosts_->give_up_after(kSweepNs);
          kill_at_ns_ = base::kForever;
        }
      } catch (const OutputError& error) {
        for (Process& process : processes_)
          for (auto& output : process.outputs) close_output(output);
        fail(1, error.what());
      }
    }
  }
  for (unsigned pe = 0; pe < processes_.size(); ++pe) hang_up(pe);
  if (hosts_) hosts_->end();
  sweep();
  finish_outputs();
  return status_.value_or(0);
}

// --- start --------------------------------------------------------------------------------------

bool Job::start_all() {
  if (hosts_) return hosts_->start();
  for (unsigned pe = 0; pe < processes_.size(); ++pe) {
    if (start(pe)) continue;
    signal_all(SIGKILL);
    return false;
  }
  return true;
}

bool Job::start(unsigned pe) {
  Process& process = processes_[pe];
  int sockets[2] = {-1, -1};
  int pipes[2][2] = {{-1, -1}, {-1, -1}};
  const bool made =
      (options_.one_process() ||
       socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0) &&
      (!options_.tag_output ||
       (pipe2(pipes[0], O_CLOEXEC) == 0 && pipe2(pipes[1], O_CLOEXEC) == 0));
  base::SpawnResult started{-1, errno, "descriptors"};
  if (made) {
    base::SpawnRequest request;
    request.command = command_of(pe);
    request.environment = environment_of(pe, sockets[1]);
    request.fds = fds_of(pe, sockets[1], {pipes[0][1], pipes[1][1]});
    request.cpus = cpus_of(pe);
    request.signal_mask = signals_.mask_before();
    started = base::spawn(request);
  }
  for (const int theirs : {sockets[1], pipes[0][1], pipes[1][1]})
    if (theirs >= 0) close(theirs);
  process.pid = started.pid;
  process.socket = sockets[0];
  for (int stream = 0; stream < 2; ++stream)
    if (pipes[stream][0] >= 0)
      process.outputs[stream] = std::make_unique<TaggedOutput>(
          pipes[stream][0], stream + 1, "[" + std::to_string(pe) + "] ");
  if (started.pid < 0) {
    const bool of_program = std::strcmp(started.step, "start") == 0;
    status_ = !of_program                ? kUnusable
              : started.error == ENOENT ? kNotFound
                                        : kNotExecutable;
    say((of_program ? "cannot start '" + command_of(pe).front() + "'"
                    : "cannot start PE " + std::to_string(pe) + " (" + started.step + ")") +
        ": " + std::strerror(started.error));
    return false;
  }
  watch(pe);
  return true;
}

void Job::watch(unsigned pe) {
  Process& process = processes_[pe];
  if (process.socket >= 0) loop_.watch(process.socket, [this, pe] { on_socket(pe); });
  for (int stream = 0; stream < 2; ++stream)
    if (process.outputs[stream])
      loop_.watch(process.outputs[stream]->fd(), [this, pe, stream] { on_output(pe, stream); });
}

std::vector<std::string> Job::command_of(unsigned pe) const {
  std::vector<std::string> command;
  if (options_.under_pe.value_or(pe) == pe) {
    if (options_.under == Under::kValgrind) command = {"valgrind"};
    if (options_.under == Under::kGdb && isatty(STDIN_FILENO) != 0)
      command = {"gdb", "-q", "--args"};
    else if (options_.under == Under::kGdb)
      // Nobody can type: run, and tell where it broke. The last command succeeds, so that the
      // program's status becomes gdb's.
      command = {"gdb", "-q", "-batch", "-return-child-result", "-ex", "run", "-ex", "backtrace",
                 "-ex", "echo \\n", "--args"};
  }
  command.insert(command.end(), options_.command.begin(), options_.command.end());
  return command;
}

std::vector<std::string> Job::environment_of(unsigned pe, int pmi_fd) const {
  std::vector<std::string> environment = inherited_;
  const auto set = [&environment](const std::string& name, const std::string& value) {
    set_variable(environment, name, value);
  };
  set("LAMELLAR_RUN_PID", std::to_string(getpid()));
  if (!options_.lamella.empty()) set("LAMELLAR_BACKEND", options_.lamella);
  if (!options_.threads.empty()) set("LAMELLAR_THREADS", options_.threads);
  if (options_.one_process()) {
    set("LAMELLAR_NUM_PES", std::to_string(options_.pes));
  } else {
    set("PMI_FD", std::to_string(pmi_fd));
    set("PMI_RANK", std::to_string(pe));
    set("PMI_SIZE", std::to_string(options_.pes));
    set("MPI_LOCALRANKID", std::to_string(pe));
    set("MPI_LOCALNRANKS", std::to_string(options_.pes));
  }
  return environment;
}

std::vector<std::pair<int, int>> Job::fds_of(unsigned pe, int pmi_fd,
                                             const int (&outputs)[2]) const {
  std::vector<std::pair<int, int>> fds;
  const bool debugged = options_.under == Under::kGdb;
  if (!options_.one_process() && pe != (debugged ? *options_.under_pe : 0))
    fds.emplace_back(null_, STDIN_FILENO);
  for (int stream = 0; stream < 2; ++stream)
    if (outputs[stream] >= 0) fds.emplace_back(outputs[stream], stream + 1);
  if (pmi_fd >= 0) fds.emplace_back(pmi_fd, pmi_fd);
  return fds;
}

std::vector<unsigned> Job::cpus_of(unsigned pe) const {
  return options_.pin ? share_of(cpus_, pe, options_.pes) : std::vector<unsigned>();
}

// --- events -------------------------------------------------------------------------------------

void Job::on_signal() {
  while (const auto event = signals_.next()) {
    if (event->signal == SIGCHLD) {
      reap();
      continue;
    }
    const bool ends = event->signal != SIGUSR1 && event->signal != SIGUSR2;
    if (ends && asked_to_end_) {
      signal_all(SIGKILL);  // asked twice
    } else if (!event->from_terminal || hosts_) {
      signal_all(event->signal);  // a key press went to the PEs of this host directly
    }
    asked_to_end_ = asked_to_end_ || ends;
  }
}

void Job::on_socket(unsigned pe) {
  Process& process = processes_[pe];
  while (process.socket >= 0) {
    char bytes[1 << 14];
    const ssize_t size = recv(process.socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0 || !server_.receive(pe, {bytes, static_cast<std::size_t>(size)})) hang_up(pe);
  }
  pe_left_early();
}

void Job::on_output(unsigned pe, int stream) {
  auto& output = processes_[pe].outputs[stream];
  if (output && !output->pass_on()) close_output(output);
}

void Job::close_output(std::unique_ptr<TaggedOutput>& output) {
  if (!output) return;
  loop_.forget(output->fd());
  output.reset();
}

void Job::hang_up(unsigned pe) {
  int& socket = processes_[pe].socket;
  if (socket < 0) return;
  loop_.forget(socket);
  close(socket);
  socket = -1;
}

// All that have ended are taken before one is blamed.
void Job::reap() {
  int wait_status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    if (hosts_) {
      hosts_->reaped(pid, wait_status);
      continue;
    }
    for (unsigned pe = 0; pe < processes_.size(); ++pe)
      if (processes_[pe].pid == pid) ended(pe, wait_status);
  }
  decide();
  pe_left_early();
}

void Job::ended(unsigned pe, int wait_status) {
  processes_[pe].wait_status = wait_status;
  if (processes_[pe].socket >= 0) on_socket(pe);  // what it said last
  hang_up(pe);
  if (auto failure = failure_of(pe)) failures_.push_back(*std::move(failure));
}

std::optional<Job::Failure> Job::failure_of(unsigned pe) const {
  const Process& process = processes_[pe];
  const int status = status_of(*process.wait_status);
  const std::string who =
      (options_.one_process() ? "the process of all " + std::to_string(options_.pes) + " PEs ("
                              : "PE " + std::to_string(pe) + " (") +
      (hosts_ ? hosts_->where(pe) : host_ + ", pid " + std::to_string(process.pid)) + ") ";
  if (WIFSIGNALED(*process.wait_status)) {
    const int signal = WTERMSIG(*process.wait_status);
    return Failure{pe, status, true,
                   who + "was killed by signal " + std::to_string(signal) + " (" +
                       base::signal_name(signal) + ")"};
  }
  if (const std::string* const why = server_.abandoned_because(pe); why != nullptr && status != 0)
    return Failure{pe, status, false,
                   who + "cannot start: " + lamellae::from_text(*why).value_or(*why)};
  if (const std::string& how = server_.said_how(pe); !how.empty() && status != 0)
    return Failure{pe, status, false, who + how};
  if (status != 0)
    return Failure{pe, status, false, who + "ended with status " + std::to_string(status)};
  if (server_.is_in(pe))
    return Failure{pe, 1, false, who + "ended with status 0 while the job was running"};
  if (!server_.ever_was_in(pe) && server_.somebody_is_in())
    return Failure{pe, 1, false, who + "ended with status 0 and never joined the others"};
  return std::nullopt;
}

// A PE that ended well without having taken part is a failure as soon as another takes part: the
// others wait for it.
void Job::pe_left_early() {
  if (status_ || !server_.somebody_is_in()) return;
  for (unsigned pe = 0; pe < processes_.size(); ++pe) {
    if (!processes_[pe].wait_status || server_.ever_was_in(pe)) continue;
    if (const auto failure = failure_of(pe)) return fail(failure->status, failure->what);
  }
}

// A PE that ended because another failed may be seen before that one: then that one is waited for.
void Job::decide() {
  if (status_ || failures_.empty()) return;
  const bool settled =
      std::any_of(failures_.begin(), failures_.end(), [&](const Failure& failure) {
        const auto culprit = server_.blames(failure.pe);
        return !culprit || processes_[*culprit].wait_status;
      });
  if (settled || all_ended()) {
    report();
  } else if (report_at_ns_ == base::kForever) {
    report_at_ns_ = base::now_ns() + kCulpritNs;
  }
}

// The first failure makes the job's status. Of several at once it is the one that others name as
// their reason, or that a signal made, or that names nobody.
void Job::report() {
  report_at_ns_ = base::kForever;
  if (status_ || failures_.empty()) return;
  const auto weight = [&](const Failure& failure) {
    int sum = failure.killed ? 2 : 0;
    if (!server_.blames(failure.pe)) sum += 1;
    for (const Failure& other : failures_)
      if (server_.blames(other.pe) == failure.pe) sum += 4;
    return sum;
  };
  const auto first = std::max_element(
      failures_.begin(), failures_.end(),
      [&](const Failure& a, const Failure& b) { return weight(a) < weight(b); });
  const bool is_said = !first->killed && server_.said_why(first->pe);
  fail(first->status, is_said ? "" : first->what);
}

void Job::fail(int status, const std::string& line) {
  if (status_) return;
  status_ = status;
  if (!line.empty()) say(line);
  signal_all(SIGTERM);
  signal_all(SIGCONT);  // or a stopped one would not get it
  kill_at_ns_ = base::now_ns() + kGraceNs;
}

void Job::signal_all(int signal) const {
  if (hosts_) hosts_->send_signal(signal);
  for (const Process& process : processes_)
    if (process.pid > 0 && !process.wait_status) kill(process.pid, signal);
}

bool Job::all_ended() const {
  return std::all_of(processes_.begin(), processes_.end(),
                     [](const Process& process) { return process.wait_status.has_value(); });
}

// --- end ----------------------------------------------------------------------------------------

void Job::finish_outputs() {
  try {
    for (Process& process : processes_)
      for (auto& output : process.outputs)
        if (output) output->finish();
  } catch (const OutputError& error) {
    if (!status_) say(error.what());
    status_ = status_.value_or(1);
  }
}

// Whatever the PEs started has become a child of this process, or will when its parent is gone.
void Job::sweep() noexcept {
  const std::uint64_t give_up_ns = base::now_ns() + kSweepNs;
  while (base::now_ns() < give_up_ns) {
    const pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno == ECHILD) return;
    if (pid > 0) continue;
    for (const pid_t child : base::children_of(getpid())) kill(child, SIGKILL);
    base::wait_readable(signals_.fd(), base::now_ns() + 10'000'000);
    while (signals_.next()) {
    }
  }
}

}  // namespace lamellar::tools

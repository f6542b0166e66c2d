#include "tools/lamellar-run/agent.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/process/spawn.hpp"
#include "base/process/tree.hpp"
#include "lamellae/bootstrap/host.hpp"
#include "tools/lamellar-run/place.hpp"

namespace lamellar::tools {

using lamellae::WireLine;

namespace {

constexpr std::uint64_t kInputNs = 5'000'000;  // a PE that does not read now is asked again
constexpr std::uint64_t kSweepNs = 2'000'000'000;

}  // namespace

Agent::Agent()
    : signals_({SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT}),
      channel_(STDIN_FILENO, STDOUT_FILENO) {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the PEs leave behind comes to us
}

Agent::~Agent() {
  for (Process& process : processes_) {
    forget(process.socket);
    for (int& output : process.outputs) forget(output);
  }
  if (input_ >= 0) close(input_);
}

int Agent::run() {
  loop_.watch(signals_.fd(), [this] { on_signal(); });
  loop_.watch(STDIN_FILENO, [this] {
    if (!channel_.receive([this](const WireLine& line, const std::string& bytes) {
          take(line, bytes);
        }))
      over_ = true;
  });
  channel_.send(WireLine("ready").add("host", lamellae::to_text(lamellae::host_name())));
  while (!over_) {
    const bool asks = !pending_input_.empty() || input_ends_;
    loop_.run_once(asks && input_ >= 0 ? base::now_ns() + kInputNs : base::kForever);
    give_input();
  }
  const std::uint64_t give_up_ns = base::now_ns() + kSweepNs;
  while (base::now_ns() < give_up_ns) {
    const pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno == ECHILD) break;
    if (pid > 0) continue;
    for (const pid_t child : base::children_of(getpid())) kill(child, SIGKILL);
    base::wait_readable(signals_.fd(), base::now_ns() + 10'000'000);
    while (signals_.next()) {
    }
  }
  return 0;
}

Agent::Process* Agent::process_of(const WireLine& line) {
  const auto pe = line.number("pe");
  return pe && *pe >= first_ && *pe - first_ < processes_.size() ? &processes_[*pe - first_]
                                                                 : nullptr;
}

void Agent::take(const WireLine& line, const std::string& bytes) {
  if (line.command() == "job") {
    begin(line);
  } else if (line.command() == "pmi") {
    const Process* const process = process_of(line);
    if (process != nullptr && process->socket >= 0 &&
        send(process->socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
            static_cast<ssize_t>(bytes.size()))
      shutdown(process->socket, SHUT_RDWR);
  } else if (line.command() == "input") {
    pending_input_ += bytes;
    input_ends_ = bytes.empty();
  } else if (line.command() == "signal") {
    for (const Process& process : processes_)
      if (process.pid > 0 && !process.ended)
        kill(process.pid, static_cast<int>(line.number("n").value_or(SIGKILL)));
  }
}

void Agent::begin(const WireLine& job) {
  first_ = static_cast<unsigned>(job.number("first").value_or(0));
  processes_.resize(job.number("here").value_or(0));
  raise_descriptor_limit(processes_.size() * 3 + 64);
  const std::string folder = lamellae::from_text(job.value("dir")).value_or("/");
  if (chdir(folder.c_str()) != 0) {
    channel_.send(WireLine("failed")
                      .add("pe", first_)
                      .add("error", static_cast<std::uint64_t>(errno))
                      .add("step", lamellae::to_text("folder " + folder)));
    return;
  }
  for (unsigned index = 0; index < processes_.size(); ++index)
    if (!start(index, job)) return;
  if (input_ >= 0) channel_.send(WireLine("more"));
}

bool Agent::start(unsigned index, const WireLine& job) {
  Process& process = processes_[index];
  const unsigned pe = pe_of(index);
  const auto here = static_cast<unsigned>(processes_.size());
  int sockets[2] = {-1, -1};
  int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};  // standard input, output, error
  const bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0 &&
                    pipe2(pipes[0], O_CLOEXEC) == 0 && pipe2(pipes[1], O_CLOEXEC) == 0 &&
                    pipe2(pipes[2], O_CLOEXEC) == 0;
  base::SpawnResult started{-1, errno, "descriptors"};
  if (made) {
    base::SpawnRequest request;
    request.command = out_of_line(job.value("arg"));
    request.environment = environment_for_pes();
    for (const std::string& variable : out_of_line(job.value("var"))) {
      const std::size_t sign = variable.find('=');
      set_variable(request.environment, variable.substr(0, sign), variable.substr(sign + 1));
    }
    set_variable(request.environment, "LAMELLAR_RUN_PID", std::to_string(getpid()));
    set_variable(request.environment, "PMI_FD", std::to_string(sockets[1]));
    set_variable(request.environment, "PMI_RANK", std::to_string(pe));
    set_variable(request.environment, "PMI_SIZE", std::string(job.value("pes")));
    set_variable(request.environment, "MPI_LOCALRANKID", std::to_string(index));
    set_variable(request.environment, "MPI_LOCALNRANKS", std::to_string(here));
    request.fds = {{pipes[0][0], STDIN_FILENO}, {pipes[1][1], STDOUT_FILENO},
                   {pipes[2][1], STDERR_FILENO}, {sockets[1], sockets[1]}};
    if (job.number("pin") == 1) request.cpus = share_of(usable_cpus(), index, here);
    request.signal_mask = signals_.mask_before();
    started = base::spawn(request);
  }
  for (const int theirs : {sockets[1], pipes[0][0], pipes[1][1], pipes[2][1]})
    if (theirs >= 0) close(theirs);
  process.pid = started.pid;
  process.socket = sockets[0];
  process.outputs[0] = pipes[1][0];
  process.outputs[1] = pipes[2][0];
  if (pe == 0 && started.pid >= 0) {
    input_ = pipes[0][1];
    fcntl(input_, F_SETFL, O_NONBLOCK);
  } else if (pipes[0][1] >= 0) {
    close(pipes[0][1]);  // the others find the end
  }
  if (started.pid < 0) {
    channel_.send(WireLine("failed")
                      .add("pe", pe)
                      .add("error", static_cast<std::uint64_t>(started.error))
                      .add("step", lamellae::to_text(started.step)));
    return false;
  }
  channel_.send(WireLine("started").add("pe", pe).add("pid", static_cast<unsigned>(process.pid)));
  loop_.watch(process.socket, [this, index] { on_socket(index); });
  for (int stream = 0; stream < 2; ++stream)
    loop_.watch(process.outputs[stream], [this, index, stream] { on_output(index, stream); });
  return true;
}

void Agent::on_socket(unsigned index) {
  Process& process = processes_[index];
  char bytes[1 << 14];
  while (process.socket >= 0) {
    const ssize_t size = recv(process.socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return forget(process.socket);
    if (!channel_.send(WireLine("pmi").add("pe", pe_of(index)),
                       {bytes, static_cast<std::size_t>(size)}))
      over_ = true;
  }
}

void Agent::on_output(unsigned index, int stream) {
  int& output = processes_[index].outputs[stream];
  if (output < 0) return;
  char bytes[1 << 16];
  const ssize_t size = read(output, bytes, sizeof bytes);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) return forget(output);
  if (!channel_.send(WireLine("output").add("pe", pe_of(index)).add(
                         "stream", static_cast<unsigned>(stream + 1)),
                     {bytes, static_cast<std::size_t>(size)}))
    over_ = true;
}

void Agent::on_signal() {
  while (const auto event = signals_.next()) {
    if (event->signal == SIGCHLD)
      reap();
    else
      over_ = true;  // this host wants us gone: the first lamellar-run sees it
  }
}

void Agent::reap() {
  int wait_status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    for (unsigned index = 0; index < processes_.size(); ++index) {
      Process& process = processes_[index];
      if (process.pid != pid) continue;
      process.ended = true;
      on_socket(index);  // what it said last
      forget(process.socket);
      for (int stream = 0; stream < 2; ++stream) {
        if (process.outputs[stream] < 0) continue;
        fcntl(process.outputs[stream], F_SETFL, O_NONBLOCK);
        // What it wrote last stands before its end. Its children may write on.
        while (process.outputs[stream] >= 0 &&
               base::wait_readable(process.outputs[stream], base::now_ns()))
          on_output(index, stream);
      }
      channel_.send(WireLine("ended")
                        .add("pe", pe_of(index))
                        .add("how", static_cast<unsigned>(wait_status)));
    }
  }
}

// As much as PE 0 takes; more is asked for when nothing is left.
void Agent::give_input() {
  if (input_ < 0 || (pending_input_.empty() && !input_ends_)) return;
  if (!pending_input_.empty()) {
    const ssize_t size = write(input_, pending_input_.data(), pending_input_.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) input_ends_ = true;  // it does not read any more
    pending_input_.erase(0, size < 0 ? std::string::npos : static_cast<std::size_t>(size));
  }
  if (!pending_input_.empty()) return;
  if (!input_ends_) {
    channel_.send(WireLine("more"));
    return;
  }
  close(input_);
  input_ = -1;
}

void Agent::forget(int& fd) {
  if (fd < 0) return;
  loop_.forget(fd);
  close(fd);
  fd = -1;
}

}  // namespace lamellar::tools

#include "tools/lamellar-run/hosts.hpp"

#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <lamellar/error.hpp>
#include <system_error>

#include "base/config/settings.hpp"
#include "base/process/spawn.hpp"
#include "lamellae/bootstrap/session.hpp"
#include "tools/lamellar-run/output.hpp"
#include "tools/lamellar-run/place.hpp"

namespace lamellar::tools {

using lamellae::WireLine;

namespace {

constexpr int kUnusable = 2;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr std::uint64_t kAgentsEndNs = 2'000'000'000;
constexpr std::size_t kLongestLine = 1 << 20;  // of tagged output; longer ones are cut

std::uint64_t start_timeout() {
  try {
    return lamellae::start_timeout_ns(
        base::Settings::load(nullptr, {}, environ).f64(base::Key::kStartTimeout));
  } catch (const ConfigError&) {
    return lamellae::kStartTimeoutNs;  // the PEs will tell what is wrong
  }
}

std::string for_shell(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return "was killed by signal " + std::to_string(WTERMSIG(wait_status)) + " (" +
           base::signal_name(WTERMSIG(wait_status)) + ")";
  return "ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace

Hosts::Hosts(const Options& options, base::EventLoop& loop, const base::SignalEvents& signals,
             Events events)
    : options_(options), loop_(loop), signals_(signals), events_(std::move(events)) {
  for (const HostPart& part : options.hosts) {
    Agent agent;
    agent.name = part.name;
    agent.first = static_cast<unsigned>(pes_.size());
    agent.pes = part.pes;
    for (unsigned pe = 0; pe < part.pes; ++pe) {
      pes_.emplace_back();
      pes_.back().agent = agents_.size();
    }
    agents_.push_back(std::move(agent));
  }
}

Hosts::~Hosts() {
  for (Agent& agent : agents_) hang_up(agent);
}

bool Hosts::start() {
  const std::uint64_t limit_ns = start_timeout();
  if (limit_ns != base::kForever) deadline_ns_ = base::now_ns() + limit_ns;
  for (Agent& agent : agents_)
    if (!start(agent)) return false;
  return true;
}

bool Hosts::start(Agent& agent) {
  base::SpawnRequest request;
  request.command = options_.rsh;
  request.command.push_back(agent.name);
  for (const std::string& word : request.command)
    agent.command += (agent.command.empty() ? "" : " ") + word;
  request.command.push_back("exec " + for_shell(std::filesystem::read_symlink("/proc/self/exe")) +
                            " --agent");
  request.environment = environment_for_pes();
  request.signal_mask = signals_.mask_before();
  request.own_group = true;  // a key press is ours to pass on
  int sockets[2] = {-1, -1};
  base::SpawnResult started{-1, 0, "socket"};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0) {
    request.fds = {{sockets[1], STDIN_FILENO}, {sockets[1], STDOUT_FILENO}};
    started = base::spawn(request);
    close(sockets[1]);
  } else {
    started.error = errno;
  }
  agent.fd = sockets[0];
  agent.pid = started.pid;
  if (started.pid < 0) {
    events_.failed(kUnusable, "cannot start '" + agent.command + "' for host " + agent.name + ": " +
                                  std::strerror(started.error));
    return false;
  }
  agent.channel = std::make_unique<Channel>(agent.fd, agent.fd);
  loop_.watch(agent.fd, [this, &agent] { on_bytes(agent); });
  return true;
}

WireLine Hosts::job_of(const Agent& agent) const {
  std::vector<std::string> variables;
  for (const std::string& variable : environment_for_pes())
    if (variable.starts_with("LAMELLAR_")) variables.push_back(variable);
  if (!options_.lamella.empty()) set_variable(variables, "LAMELLAR_BACKEND", options_.lamella);
  if (!options_.threads.empty()) set_variable(variables, "LAMELLAR_THREADS", options_.threads);
  std::error_code error;
  WireLine job("job");
  job.add("dir", lamellae::to_text(std::filesystem::current_path(error).string()))
      .add("first", agent.first)
      .add("pes", pes_.size())
      .add("here", agent.pes)
      .add("pin", options_.pin ? 1 : 0)
      .add("var", in_line(variables))
      .add("arg", in_line(options_.command));
  return job;
}

void Hosts::on_bytes(Agent& agent) {
  if (agent.channel == nullptr) return;
  if (agent.channel->receive([&](const WireLine& line, const std::string& bytes) {
        take(agent, line, bytes);
      }))
    return;
  hang_up(agent);  // its command ends now, or is ended
  if (!over_) give_up_after(kAgentsEndNs);
}

void Hosts::take(Agent& agent, const WireLine& line, const std::string& bytes) {
  const auto command = line.command();
  if (command == "ready") {
    agent.host = lamellae::from_text(line.value("host")).value_or("?");
    if (all_ready() && !giving_up_) deadline_ns_ = base::kForever;
    agent.channel->send(job_of(agent));
    return;
  }
  if (command == "more") return feed();
  const auto pe = line.number("pe");
  if (!pe || *pe < agent.first || *pe >= agent.first + agent.pes) return;
  const auto which = static_cast<unsigned>(*pe);
  if (command == "pmi") {
    events_.pmi(which, bytes);
  } else if (command == "output") {
    pass_on(which, static_cast<unsigned>(line.number("stream").value_or(1)), bytes);
  } else if (command == "started") {
    pes_[which].pid = static_cast<pid_t>(line.number("pid").value_or(0));
  } else if (command == "ended") {
    pe_ended(which, static_cast<int>(line.number("how").value_or(0)));
  } else if (command == "failed") {
    cannot_start(agent, line);
  }
}

void Hosts::cannot_start(const Agent& agent, const WireLine& line) {
  const int error = static_cast<int>(line.number("error").value_or(0));
  const std::string step = lamellae::from_text(line.value("step")).value_or("");
  const bool of_program = step == "start";
  const std::string what = of_program ? "'" + options_.command.front() + "'"
                                      : "PE " + std::string(line.value("pe")) + " (" + step + ")";
  events_.failed(!of_program ? kUnusable : error == ENOENT ? kNotFound : kNotExecutable,
                 "cannot start " + what + " on host " + agent.name + ": " + std::strerror(error));
  // Those behind it were not started.
  for (unsigned pe = static_cast<unsigned>(line.number("pe").value_or(0));
       pe < agent.first + agent.pes; ++pe)
    pe_ended(pe, 0);
}

void Hosts::pe_ended(unsigned pe, int wait_status) {
  if (pes_[pe].ended) return;
  pes_[pe].ended = true;
  for (unsigned stream = 1; stream <= 2; ++stream)
    if (!pes_[pe].lines[stream - 1].empty()) pass_on(pe, stream, "\n");
  events_.ended(pe, wait_status);
}

void Hosts::pass_on(unsigned pe, unsigned stream, const std::string& bytes) {
  const int to = stream == 2 ? STDERR_FILENO : STDOUT_FILENO;
  if (!options_.tag_output) return write_all(to, bytes);
  std::string& lines = pes_[pe].lines[to - 1];
  lines += bytes;
  if (lines.size() > kLongestLine && lines.back() != '\n') lines += '\n';
  std::string tagged;
  std::size_t begin = 0;
  for (std::size_t end = lines.find('\n'); end != std::string::npos;
       end = lines.find('\n', begin)) {
    tagged += "[" + std::to_string(pe) + "] " + lines.substr(begin, end + 1 - begin);
    begin = end + 1;
  }
  lines.erase(0, begin);
  write_all(to, tagged);
}

// PE 0 reads: give it what is there. A file cannot be waited for, and need not be.
void Hosts::feed() {
  try {
    loop_.watch(STDIN_FILENO, [this] {
      loop_.forget(STDIN_FILENO);
      send_input();
    });
  } catch (const std::system_error&) {
    send_input();
  }
}

void Hosts::send_input() {
  char bytes[1 << 15];
  const ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
  if (agents_[0].channel != nullptr)
    agents_[0].channel->send(WireLine("input"),
                             {bytes, size < 0 ? 0 : static_cast<std::size_t>(size)});
}

void Hosts::send_pmi(unsigned pe, const std::string& text) {
  const Agent& agent = agents_[pes_[pe].agent];
  if (agent.channel != nullptr) agent.channel->send(WireLine("pmi").add("pe", pe), text);
}

void Hosts::send_signal(int signal) {
  for (Agent& agent : agents_) {
    if (agent.channel != nullptr && !agent.host.empty())
      agent.channel->send(WireLine("signal").add("n", static_cast<unsigned>(signal)));
    else if (agent.channel != nullptr && signal != SIGCONT)
      hang_up(agent);  // it has not come so far, and need not any more
  }
}

std::string Hosts::where(unsigned pe) const {
  const Agent& agent = agents_[pes_[pe].agent];
  return (agent.host.empty() ? agent.name : agent.host) + ", pid " + std::to_string(pes_[pe].pid);
}

bool Hosts::reaped(pid_t pid, int wait_status) {
  const auto found = std::find_if(agents_.begin(), agents_.end(),
                                  [pid](const Agent& agent) { return agent.pid == pid; });
  if (found == agents_.end()) return false;
  Agent& agent = *found;
  agent.pid = -1;
  while (agent.channel != nullptr && base::wait_readable(agent.fd, base::now_ns()))
    on_bytes(agent);  // what it said last
  hang_up(agent);
  if (over_) return true;
  const std::string how = "'" + agent.command + "' " + how_it_ended(wait_status);
  if (agent.host.empty())
    events_.failed(kUnusable, "cannot reach host " + agent.name + ": " + how +
                                  " before lamellar-run was there");
  else
    events_.failed(1, "lost host " + agent.name + ": " + how + " while the job was running");
  for (unsigned pe = agent.first; pe < agent.first + agent.pes; ++pe) pe_ended(pe, SIGKILL);
  return true;
}

void Hosts::give_up_after(std::uint64_t ns) noexcept {
  giving_up_ = true;
  deadline_ns_ = std::min(deadline_ns_, base::now_ns() + ns);
}

void Hosts::late() {
  deadline_ns_ = base::kForever;
  for (Agent& agent : agents_) {
    if (!giving_up_ && agent.host.empty())
      events_.failed(kUnusable, "cannot reach host " + agent.name + ": '" + agent.command +
                                    "' did not start lamellar-run there within " +
                                    std::to_string(start_timeout() / 1'000'000'000u) +
                                    " s (LAMELLAR_START_TIMEOUT)");
    if (giving_up_ && agent.channel == nullptr && agent.pid > 0)
      events_.failed(1, "lost host " + agent.name + ": '" + agent.command +
                            "' has closed the connection");
    if ((giving_up_ || agent.host.empty()) && agent.pid > 0) kill(-agent.pid, SIGKILL);
  }
  if (!giving_up_) return;
  for (unsigned pe = 0; pe < pes_.size(); ++pe) pe_ended(pe, SIGKILL);
}

bool Hosts::all_ready() const {
  return std::none_of(agents_.begin(), agents_.end(),
                      [](const Agent& agent) { return agent.host.empty(); });
}

void Hosts::hang_up(Agent& agent) {
  if (agent.fd < 0) return;
  loop_.forget(agent.fd);
  close(agent.fd);
  agent.fd = -1;
  agent.channel.reset();
}

void Hosts::end() {
  over_ = true;
  loop_.forget(STDIN_FILENO);
  for (Agent& agent : agents_) hang_up(agent);
  const std::uint64_t give_up_ns = base::now_ns() + kAgentsEndNs;
  const auto runs = [](const Agent& agent) { return agent.pid > 0; };
  while (std::any_of(agents_.begin(), agents_.end(), runs) && loop_.run_once(give_up_ns)) {
  }
}

}  // namespace lamellar::tools

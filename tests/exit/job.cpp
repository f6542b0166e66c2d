#include "exit/job.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace exit_tests {
namespace {

constexpr unsigned kPes = 4;

// What can be read of it: a process of which it tells may end meanwhile.
std::string all_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string new_token() {
  static int jobs = 0;
  return "exit-token-" + std::to_string(getpid()) + "-" + std::to_string(++jobs) + ".";
}

std::vector<std::string> command_of(Launcher launcher) {
  switch (launcher) {
    case Launcher::kLamellarRun:
      return {path_of(launcher), "-n", std::to_string(kPes)};
    case Launcher::kHydra:
      return {path_of(launcher), "-n", std::to_string(kPes)};
    case Launcher::kMpirun:
      return {path_of(launcher), "--oversubscribe", "--bind-to", "none", "-n",
              std::to_string(kPes)};
  }
  return {};
}

}  // namespace

const char* name_of(Launcher launcher) {
  switch (launcher) {
    case Launcher::kLamellarRun: return "lamellar-run";
    case Launcher::kHydra: return "hydra";
    case Launcher::kMpirun: return "mpirun";
  }
  return "?";
}

std::string path_of(Launcher launcher) {
  if (launcher == Launcher::kLamellarRun) return LAMELLAR_RUN_PROGRAM;
  const std::string path =
      launcher == Launcher::kHydra ? "/usr/bin/mpiexec.hydra" : "/usr/bin/mpirun.openmpi";
  return access(path.c_str(), X_OK) == 0 ? path : "";
}

Folder::Folder() {
  std::string text = (std::filesystem::temp_directory_path() / "lml-exit.XXXXXX").string();
  path_ = mkdtemp(text.data());
}

Folder::~Folder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::vector<std::string> Folder::content() const { return content_of(path_); }

std::vector<std::string> content_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<pid_t> processes_with(const std::string& token) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size() || pid == getpid()) continue;
    // A zombie has neither.
    const std::string folder = "/proc/" + name + "/";
    if (all_of(folder + "environ").find(token) != std::string::npos ||
        all_of(folder + "cmdline").find(token) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

Job::Job(Launcher launcher, const std::string& mode, const std::string& wait, unsigned culprit,
         const std::vector<std::string>& variables)
    : launcher_(launcher),
      token_(new_token()),
      shared_before_(content_of("/dev/shm")),
      pes_(kPes, 0) {
  std::vector<std::string> command = command_of(launcher);
  for (const std::string& argument :
       {std::string(LAMELLAR_EXIT_PROGRAM), token_, mode, wait, std::to_string(culprit)})
    command.push_back(argument);
  std::vector<std::string> environment{"LML_EXIT_TOKEN=" + token_, "TMPDIR=" + temporary_.path(),
                                       "OMPI_ALLOW_RUN_AS_ROOT=1",
                                       "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
  environment.insert(environment.end(), variables.begin(), variables.end());
  // The other launchers may lose what a PE writes just before the job ends: past them, then.
  if (launcher != Launcher::kLamellarRun)
    environment.push_back("LML_EXIT_STDERR=" + said_.path() + "/err");
  child_ = std::make_unique<process_tests::Child>(command, environment);
  for (unsigned pe = 0; pe < kPes; ++pe) {
    const std::string mark = "ready PE " + std::to_string(pe) + " pid ";
    if (!child_->out_has(mark)) return;
    // The rest of the line may come later.
    std::size_t at = child_->out().find(mark) + mark.size();
    while (child_->out().find('.', at) == std::string::npos)
      if (!child_->more()) return;
    pes_[pe] = static_cast<pid_t>(std::strtol(child_->out().c_str() + at, nullptr, 10));
  }
  std::vector<pid_t> all = pes_;
  for (const pid_t pid : processes_with(token_))
    if (std::find(pes_.begin(), pes_.end(), pid) == pes_.end()) all.push_back(pid);
  for (const pid_t pid : all)
    if (const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); fd >= 0)
      pidfds_.push_back(fd);
  started_ = true;
}

Job::~Job() {
  kill_all();
  for (const int fd : pidfds_) close(fd);
}

void Job::kill_all() const {
  for (const pid_t pid : processes_with(token_)) kill(pid, SIGKILL);
}

Job::Gone Job::wait_until_gone() {
  const auto begin = std::chrono::steady_clock::now();
  Gone gone;
  for (std::size_t i = 0; i < pidfds_.size(); ++i) {
    pollfd one{pidfds_[i], POLLIN, 0};
    while (poll(&one, 1, -1) < 0) {
    }
    gone.all_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count();
    if (i + 1 == kPes) gone.pes_ms = gone.all_ms;
  }
  return gone;
}

std::vector<std::string> Job::our_lines() const {
  std::vector<std::string> lines;
  std::istringstream in(err() + all_of(said_.path() + "/err"));
  for (std::string line; std::getline(in, line);)
    if (line.find("[lamellar") != std::string::npos ||
        line.find("lamellar-run:") != std::string::npos)
      lines.push_back(line);
  return lines;
}

std::vector<std::string> Job::files_left() const {
  std::vector<std::string> left;
  // A killed Open MPI leaves its own session folder.
  for (const std::string& name : temporary_.content())
    if (!name.starts_with("ompi.") && !name.starts_with("openmpi-") && !name.starts_with("pmix"))
      left.push_back("TMPDIR/" + name);
  for (const std::string& name : content_of("/dev/shm"))
    // An MPI program that runs beside the tests has such segments; exit_program calls no MPI.
    if (!name.starts_with("vader_segment.") &&
        !std::binary_search(shared_before_.begin(), shared_before_.end(), name))
      left.push_back("/dev/shm/" + name);
  for (const std::string& name : content_of("/tmp"))
    if (name.find("lamellar") != std::string::npos && name.find(token_) != std::string::npos)
      left.push_back("/tmp/" + name);
  return left;
}

}  // namespace exit_tests

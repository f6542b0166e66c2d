#include "lamellae/bootstrap/host.hpp"

#include <limits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "base/process/tree.hpp"

namespace lamellar::lamellae {
namespace {

std::string first_line(const char* path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string link_of(const char* path) {
  char target[128];
  const ssize_t size = readlink(path, target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<std::size_t>(size));
}

// As /proc shows them: at most 15 characters.
constexpr std::array<std::string_view, 8> kLaunchers{
    "mpirun", "orterun", "orted", "prterun", "prted", "hydra_pmi_proxy", "mpiexec.hydra",
    "lamellar-run"};

bool is_launcher(const std::string& name) {
  if (name.starts_with("slurmstepd")) return true;
  for (const std::string_view launcher : kLaunchers)
    if (name == launcher.substr(0, 15)) return true;
  return name == "mpirun.openmpi" || name == "mpiexec.openmpi" || name == "mpiexec";
}

}  // namespace

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string host_identity() {
  return host_name() + '|' + first_line("/proc/sys/kernel/random/boot_id") + '|' +
         link_of("/proc/self/ns/net") + '|' + link_of("/proc/self/ns/pid");
}

int open_launcher_pidfd(const Environment& environment) {
  const char* told = environment("LAMELLAR_RUN_PID");
  const pid_t ours = told == nullptr ? 0 : static_cast<pid_t>(std::strtol(told, nullptr, 10));
  pid_t pid = getppid();
  for (int steps = 0; pid > 1 && steps < 64; ++steps) {
    const base::ProcessInfo info = base::process_info(pid);
    if (info.parent == 0) return -1;  // it just ended, or is of another namespace
    if (ours != 0 ? pid == ours : is_launcher(info.name)) return base::open_pidfd(pid);
    pid = info.parent;
  }
  return -1;
}

}  // namespace lamellar::lamellae

#include "harness/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "harness/measure.hpp"

namespace bench {
namespace {

std::string program_path(const Place& place, const Start& start) {
  switch (start.program) {
    case Program::kMessages: return place.folder + "/bench_messages";
    case Program::kTasks: return place.folder + "/bench_tasks";
    case Program::kFabric: return place.folder + "/bench_fabric";
    case Program::kLimits: return place.folder + "/bench_limits";
    case Program::kOpenMpi: return place.folder + "/" + start.name + "_openmpi";
    case Program::kMpich: return place.folder + "/" + start.name + "_mpich";
    case Program::kShmem: return place.folder + "/" + start.name + "_shmem";
    case Program::kTbb: return place.folder + "/bench_tasks_tbb";
  }
  return {};
}

bool in_path(const std::string& name) {
  std::stringstream folders(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  return false;
}

bool over_fabric(const Start& start) {
  return start.program == Program::kFabric || start.lamella == "ofi";
}

std::vector<std::string> command_of(const Place& place, const Start& start, double seconds) {
  const std::string pes = std::to_string(start.pes);
  std::vector<std::string> words;
  switch (start.program) {
    case Program::kMessages:
      words = {place.lamellar_run, "-n", pes, "--lamella",
               start.lamella.empty() ? place.lamella : start.lamella};
      break;
    case Program::kFabric: words = {place.lamellar_run, "-n", pes}; break;
    case Program::kTasks:
    case Program::kLimits:
    case Program::kTbb: break;
    case Program::kOpenMpi:
    case Program::kShmem:
      words = {"mpirun.openmpi", "--bind-to", "none", "--oversubscribe", "-n", pes};
      break;
    case Program::kMpich: words = {"mpiexec.hydra", "-bind-to", "none", "-n", pes}; break;
  }
  if (over_fabric(start) && !place.hosts.empty()) {
    words.insert(words.end(), {"--hosts", place.hosts});
    if (!place.rsh.empty()) words.insert(words.end(), {"--rsh", place.rsh});
  }
  words.push_back(program_path(place, start));
  words.push_back(start.name);
  words.push_back(std::to_string(seconds));
  words.insert(words.end(), start.numbers.begin(), start.numbers.end());
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

[[noreturn]] void become(std::vector<std::string> words, int out) {
  setpgid(0, 0);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  setenv("BENCH_START", std::to_string(now()).c_str(), 1);
  if (geteuid() == 0) {
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  std::perror(argv[0]);
  _exit(127);
}

// All it prints; killed with its process group when `limit` seconds are over.
std::string read_all(int from, pid_t child, double limit, bool& too_long) {
  std::string text;
  const double end = now() + limit;
  for (;;) {
    pollfd ready{from, POLLIN, 0};
    const double left = end - now();
    const int got = left <= 0 ? 0 : poll(&ready, 1, static_cast<int>(left * 1000) + 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      too_long = true;
      kill(-child, SIGTERM);
      pollfd last{from, POLLIN, 0};
      poll(&last, 1, 500);
      kill(-child, SIGKILL);
      return text;
    }
    char bytes[4096];
    const ssize_t count = read(from, bytes, sizeof bytes);
    if (count <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(count));
  }
}

Results results_of(const std::string& text, const Start& start) {
  Results results;
  std::stringstream lines(text);
  std::string prefix = std::to_string(start.pes);
  if (start.program == Program::kOpenMpi) prefix = "openmpi";
  if (start.program == Program::kMpich) prefix = "mpich";
  if (start.program == Program::kShmem) prefix = "shmem";
  if (start.program == Program::kTasks) prefix = "ours";
  if (start.program == Program::kTbb) prefix = "tbb";
  for (std::string line; std::getline(lines, line);) {
    std::stringstream words(line);
    std::string word;
    std::string key;
    double value = 0;
    if (!(words >> word >> key >> value) || word != "result") continue;
    results[key] = value;
    results[prefix + "." + key] = value;
  }
  return results;
}

// Where the two of bench_fabric find each other.
struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "lamellar-bench-XXXXXX").string()) {
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder " + path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

bool can_start(const Place& place, const Start& start) {
  if (access(program_path(place, start).c_str(), X_OK) != 0) return false;
  if (start.program == Program::kOpenMpi || start.program == Program::kShmem)
    return in_path("mpirun.openmpi");
  if (start.program == Program::kMpich) return in_path("mpiexec.hydra");
  return true;
}

Results run(const Place& place, const Start& start, double seconds) {
  const std::vector<std::string> words = command_of(place, start, seconds);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const Folder folder;
  if (over_fabric(start)) {
    setenv("LAMELLAR_TEST_BENCH_FOLDER", folder.path.c_str(), 1);
    // On one host both sides take the loopback, unless another interface was chosen.
    if (place.hosts.empty()) setenv("LAMELLAR_INTERFACE", "lo", 0);
  }
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process for " + joined(words));
  if (child == 0) become(words, ends[1]);
  close(ends[1]);
  bool too_long = false;
  const std::string text = read_all(ends[0], child, 20 * seconds + 60, too_long);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (too_long) throw std::runtime_error(joined(words) + ": did not end\n" + text);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(joined(words) + ": failed\n" + text);
  Results results = results_of(text, start);
  if (results.empty()) throw std::runtime_error(joined(words) + ": no results\n" + text);
  return results;
}

}  // namespace bench

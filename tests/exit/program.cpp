// A job in which one PE ends in the way its arguments say, when SIGRTMIN tells it to:
//   exit_program TOKEN MODE WAIT CULPRIT
// The other PEs wait in a barrier, or compute without ever entering the runtime (WAIT = spin).
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <lamellar/world.hpp>
#include <stdexcept>
#include <string>

namespace {

std::atomic<bool> g_spins{true};

int end(const std::string& mode) {
  if (mode == "return0") return 0;
  if (mode == "return3") return 3;
  if (mode == "throw") throw std::invalid_argument("planted");
  if (mode == "abort") std::abort();
  if (mode == "segv") raise(SIGSEGV);
  if (mode == "exit0") std::exit(0);
  if (mode == "exit5") std::exit(5);
  if (mode == "_exit0") _exit(0);
  if (mode == "_exit7") _exit(7);
  std::fprintf(stderr, "there is no mode '%s'\n", mode.c_str());
  return 99;
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* file = std::getenv("LML_EXIT_STDERR")) {
    const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0) return 98;
  }
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &told, nullptr);  // the threads of the runtime inherit it
  return lamellar::launch(argc, argv, [&](lamellar::World& world) {
    const std::string mode = argv[2];
    const std::string wait = argv[3];
    world.barrier();
    std::printf("ready PE %u pid %d.\n", world.my_pe(), static_cast<int>(getpid()));
    std::fflush(stdout);
    if (std::to_string(world.my_pe()) == argv[4]) {
      int signal = 0;
      sigwait(&told, &signal);
      return end(mode);
    }
    if (wait == "return") return 0;
    while (wait == "spin" && g_spins.load(std::memory_order_relaxed)) {
    }
    world.barrier();
    return 0;
  });
}

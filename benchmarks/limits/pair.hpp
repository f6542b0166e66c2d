#pragma once
// Two processes on the two cores, with zeroed memory in common.

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/measure.hpp"

namespace bench {

// All pages are there from the start. LIFETIME: until the process ends.
inline void* common_memory(std::size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "limits: no %zu bytes of shared memory\n", bytes);
    std::exit(1);
  }
  std::memset(memory, 0, bytes);
  return memory;
}

// Runs body(0) here and body(1) in a child, each on its core. Returns when both have ended.
template <class Body>
void as_pair(Body&& body) {
  std::fflush(stdout);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    std::perror("limits: fork");
    std::exit(1);
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    pin(1);
    body(1u);
    _exit(0);
  }
  pin(0);
  body(0u);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "limits: the second process failed\n");
    std::exit(1);
  }
}

// Both processes meet. LIFETIME: in zeroed common memory.
struct alignas(64) Meeting {
  std::atomic<std::uint64_t> arrivals;
  template <class Idle>
  void meet(Idle&& idle) {
    const std::uint64_t mine = arrivals.fetch_add(1);
    while (arrivals.load(std::memory_order_acquire) < (mine / 2 + 1) * 2) idle();
  }
};

void limit_line(const Arguments& arguments);
void limit_spsc(const Arguments& arguments);
void limit_tcp(const Arguments& arguments);
void limit_wake(const Arguments& arguments);
void limit_frames(const Arguments& arguments);
void limit_frames_best(const Arguments& arguments);
void limit_frames_both(const Arguments& arguments);
void limit_frames_histogram(const Arguments& arguments);
void limit_memcpy(const Arguments& arguments);
void limit_random(const Arguments& arguments);

}  // namespace bench

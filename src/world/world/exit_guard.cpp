#include "world/world/exit_guard.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "base/crash/crash.hpp"
#include "base/log/log.hpp"
#include "lamellae/bootstrap/session.hpp"
#include "lamellae/frames/block.hpp"

namespace lamellar::world {
namespace {

constinit std::atomic<int> g_running{0};
constinit std::atomic<bool> g_installed{false};

void on_early_exit(int status, void*) {
  if (g_running.load() == 0) return;
  const int ends_with = status == 0 ? 1 : status;
  // In a job of several processes those who outlive this one say it.
  if (base::write_tombstone(lamellae::kExited + static_cast<std::uint32_t>(status & 0xff))) {
    lamellae::say_end_to_launcher("called exit(" + std::to_string(status) +
                                  ") while the job runs; return from the PE function instead");
    std::fflush(nullptr);
    _exit(ends_with);
  }
  LAMELLAR_LOG_ERROR("exit({}) was called while the job runs: the process ends with status {}; "
                     "return from the PE function instead",
                     status, ends_with);
  std::fflush(nullptr);
  _exit(ends_with);
}

}  // namespace

ExitGuard::ExitGuard() {
  g_running.fetch_add(1);
  if (!g_installed.exchange(true)) on_exit(&on_early_exit, nullptr);
}

ExitGuard::~ExitGuard() { g_running.fetch_sub(1); }

}  // namespace lamellar::world

#include "base/crash/crash.hpp"

#include <signal.h>

namespace lamellar::base {
namespace {

constinit std::atomic<std::atomic<std::uint32_t>*> g_tombstone{nullptr};

// Installed with SA_RESETHAND: the second raise meets the default disposition.
void on_crash(int signal) {
  write_tombstone(static_cast<std::uint32_t>(signal));
  raise(signal);
}

}  // namespace

void set_tombstone(std::atomic<std::uint32_t>* word) noexcept { g_tombstone.store(word); }

bool write_tombstone(std::uint32_t how) noexcept {
  std::atomic<std::uint32_t>* const word = g_tombstone.load();
  if (word == nullptr) return false;
  std::uint32_t nothing = 0;
  word->compare_exchange_strong(nothing, how);
  return true;
}

void install_crash_handlers() noexcept {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) {
    struct sigaction now{};
    if (sigaction(signal, nullptr, &now) != 0) continue;
    if ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction ours{};
    ours.sa_handler = &on_crash;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    sigemptyset(&ours.sa_mask);
    sigaction(signal, &ours, nullptr);
  }
}

}  // namespace lamellar::base

#pragma once

namespace lamellar::world {

// While one of these lives, exit() in this process is a PE that leaves early: it ends the process
// with its status (1 if that was 0) and one line. PROCESS-GLOBAL: a count and one exit handler.
class ExitGuard {
 public:
  ExitGuard();
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;
};

}  // namespace lamellar::world

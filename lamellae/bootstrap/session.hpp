#pragma once
// A process's membership in the job its launcher started. There is one, however many worlds come
// and go.
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <lamellar/bootstrap.hpp>

#include "base/clock/clock.hpp"
#include "base/clock/mutex.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "lamellae/bootstrap/detect.hpp"
#include "lamellae/bootstrap/exchange.hpp"

namespace lamellar::lamellae {

inline constexpr std::uint64_t kStartTimeoutNs = 60'000'000'000;

// LAMELLAR_START_TIMEOUT in nanoseconds; 0 seconds is for ever.
inline std::uint64_t start_timeout_ns(double seconds) {
  return seconds <= 0 ? base::kForever : static_cast<std::uint64_t>(seconds * 1e9);
}

// What a PE has to say of its settings when it joins, so that of many PEs with the same trouble one
// speaks.
struct StartCard {
  std::string fault;                  // why it cannot use them; empty: it can
  std::vector<std::string> warnings;  // of one line each
};

// THREADS: any, but worlds are opened, and use their Bootstraps, one at a time and in the same
// order on every PE.
class LaunchSession : public std::enable_shared_from_this<LaunchSession> {
 public:
  // Collective. Tells the others which host this is. BLOCKS: until every PE has joined.
  // ERRORS: LaunchError, JobFailed.
  LaunchSession(std::unique_ptr<Exchange> exchange, std::string launcher,
                std::uint64_t timeout_ns, const StartCard& card = {});
  ~LaunchSession();
  LaunchSession(const LaunchSession&) = delete;
  LaunchSession& operator=(const LaunchSession&) = delete;

  Pe rank() const noexcept { return exchange_->rank(); }
  Pe size() const noexcept { return exchange_->size(); }
  // "solo", "lamellar-run", "mpirun (PMIx)", ...: see detect.cpp.
  const char* launcher() const noexcept { return launcher_.c_str(); }
  // The launcher prints why a PE failed or could not start.
  bool launcher_reports() const noexcept { return launcher_ == "lamellar-run"; }
  // The PEs on this host, in order, this one included.
  const std::vector<Pe>& host_mates() const noexcept { return host_mates_; }
  // All PEs by host: see Bootstrap::hosts().
  const std::vector<std::vector<Pe>>& hosts() const noexcept { return hosts_; }
  // The name of the host a PE runs on.
  const std::string& host_name(Pe pe) const { return host_names_.at(pe); }
  // Readable when the launcher has ended: this PE should not outlive it. -1 when there is none or
  // it is not an ancestor of this process. LIFETIME: the session's.
  int launcher_pidfd() const noexcept { return launcher_pidfd_; }

  // Whether some PE cannot use its settings: the same on every PE.
  bool has_fault() const noexcept { return !fault_.empty(); }
  // REQUIRES: has_fault(). Collective. The first such PE says why, or lamellar-run for it; nobody
  // goes on before that, since a launcher may end all PEs with the first.
  // ERRORS: JobFailed, always.
  [[noreturn]] void fail_start();
  // Of these warnings those that this process has not been given here before, and that no lower PE
  // had when it joined.
  std::vector<std::string> unsaid(const std::vector<std::string>& warnings);

  // How long every exchange from now on waits for the others; kForever: no limit.
  void set_timeout(std::uint64_t timeout_ns);

  // What one world needs to start. Not collective by itself. While one is open the process does
  // not end well: leaving then is a failure of this PE to the launcher.
  std::unique_ptr<Bootstrap> open(const std::string& world_name);

  // This PE ends its process because `culprit` failed, so that the launcher reports that one.
  // BLOCKS: never. Only lamellar-run listens.
  void blame(Pe culprit) noexcept;

  // How this process ends while a world is open, for the launcher's line. BLOCKS: never. Only
  // lamellar-run listens.
  void say_end(const std::string& how) noexcept;

  // The process ends: tells the launcher so, unless a world is open or this is a fork().
  void end_of_process() noexcept;

 private:
  friend class SessionBootstrap;
  std::vector<std::string> allgather(const std::string& key, const std::string& what,
                                     const std::string& mine);
  void barrier(const std::string& key, const std::string& what);
  void abandon(const std::string& why) noexcept;
  void closed() noexcept;
  void check_process() const;

  const pid_t process_;
  const std::string launcher_;
  int launcher_pidfd_ = -1;
  std::vector<Pe> host_mates_;
  std::vector<std::vector<Pe>> hosts_;
  std::vector<std::string> host_names_;
  std::string fault_;
  Pe faulty_pe_ = 0;

  // An exchange failed or this PE gave up: the launcher must not think that it ended well.
  std::atomic<bool> broken_{false};
  std::atomic<bool> failed_{false};  // a launcher that ends a job answers nobody: no farewell

  base::Mutex mutex_;  // guards what follows; held during an exchange, which takes one at a time
  std::unique_ptr<Exchange> exchange_;
  std::uint64_t timeout_ns_;
  std::map<std::string, std::uint32_t> generations_;  // worlds opened so far, by name
  std::uint32_t open_ = 0;
  std::set<std::string> said_;  // warnings
};

// Connects to what was detected. ERRORS: LaunchError naming the flag to add when a launcher is
// there but cannot be reached; never a world of one instead.
std::unique_ptr<Exchange> connect_launcher(const Detection& detection, std::uint64_t timeout_ns);

// What say_end() says, by the session of this process if it has one. THREADS: any.
void say_end_to_launcher(const std::string& how) noexcept;

// The session of this process, made at the first call: with the user's callbacks, or with the
// launcher this process has, or alone. Collective at the first call. PROCESS-GLOBAL: one session.
// ERRORS: LaunchError; also when callbacks are given and the session was made without them, and in
// a process that fork() made. card: of the first call.
std::shared_ptr<LaunchSession> join_launcher(const UserBootstrap* callbacks,
                                             std::uint64_t timeout_ns = kStartTimeoutNs,
                                             const StartCard& card = {});

}  // namespace lamellar::lamellae

#include "lamellae/bootstrap/session.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <lamellar/error.hpp>
#include <sstream>
#include <utility>

#include "base/clock/clock.hpp"
#include "base/log/log.hpp"
#include "lamellae/bootstrap/host.hpp"

namespace lamellar::lamellae {

namespace {

const Environment kOfThisProcess = [](const char* name) -> const char* {
  return std::getenv(name);
};

// FNV-1a: names of worlds may be long and hold blanks, keys may not.
std::string key_of_world(const std::string& name, std::uint32_t generation) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char key[40];
  std::snprintf(key, sizeof key, "w%016llx.%u", static_cast<unsigned long long>(hash), generation);
  return key;
}

constexpr char kPart = '\x1f';  // ASCII's unit separator

std::string without_parts(std::string text) {
  std::replace(text.begin(), text.end(), kPart, ' ');
  return text;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text + kPart);
  for (std::string part; std::getline(in, part, kPart);) parts.push_back(part);
  return parts;
}

std::unique_ptr<Pmi> join(const Detection& detection, std::uint64_t deadline_ns) {
  switch (detection.by) {
    case LaunchedBy::kPmix: return join_by_pmix(deadline_ns);
    case LaunchedBy::kWire:
      return join_by_wire(detection.fd, detection.rank, detection.size, detection.says_abort,
                          deadline_ns);
    case LaunchedBy::kSlurmLibrary: return join_by_slurm_library(deadline_ns);
    case LaunchedBy::kNobody:
    case LaunchedBy::kNoPmi: break;
  }
  throw LaunchError("there is no PMI");
}

std::uint64_t after(std::uint64_t timeout_ns) {
  return timeout_ns == base::kForever ? base::kForever : base::now_ns() + timeout_ns;
}

}  // namespace

class SessionBootstrap final : public Bootstrap {
 public:
  SessionBootstrap(std::shared_ptr<LaunchSession> session, std::string world, std::string key)
      : session_(std::move(session)), world_("world '" + world + "'"), key_(std::move(key)) {}
  ~SessionBootstrap() override { session_->closed(); }

  Pe rank() const noexcept override { return session_->rank(); }
  Pe size() const noexcept override { return session_->size(); }
  std::vector<std::string> allgather(const std::string& mine) override {
    return session_->allgather(next_key(), world_, mine);
  }
  void barrier() override { session_->barrier(next_key(), world_); }
  void abandon(const std::string& why) noexcept override { session_->abandon(why); }
  std::vector<Pe> host_mates() const override { return session_->host_mates(); }
  const std::vector<std::vector<Pe>>& hosts() const override { return session_->hosts(); }
  const char* launcher() const noexcept override { return session_->launcher(); }

 private:
  std::string next_key() { return key_ + '.' + std::to_string(round_++); }

  std::shared_ptr<LaunchSession> session_;
  std::string world_;
  std::string key_;
  std::uint32_t round_ = 0;
};

LaunchSession::LaunchSession(std::unique_ptr<Exchange> exchange, std::string launcher,
                             std::uint64_t timeout_ns, const StartCard& card)
    : process_(getpid()),
      launcher_(std::move(launcher)),
      exchange_(std::move(exchange)),
      timeout_ns_(timeout_ns) {
  // Host name, host identity, fault, warnings; parts do not hold the separator.
  std::string mine =
      lamellae::host_name() + kPart + host_identity() + kPart + without_parts(card.fault);
  for (const std::string& warning : card.warnings) mine += kPart + without_parts(warning);
  const std::vector<std::string> all = allgather("join", "the job", mine);
  std::map<std::string, std::size_t> known;  // where its group is
  std::size_t my_host = 0;
  for (Pe pe = 0; pe < all.size(); ++pe) {
    const std::vector<std::string> parts = parts_of(all[pe]);
    if (parts.size() < 3)
      throw LaunchError("PE " + std::to_string(pe) + " joined with words of another version");
    host_names_.push_back(parts[0]);
    const auto [host, is_new] = known.emplace(parts[0] + kPart + parts[1], hosts_.size());
    if (is_new) hosts_.emplace_back();
    hosts_[host->second].push_back(pe);
    if (fault_.empty() && !parts[2].empty()) {
      fault_ = parts[2];
      faulty_pe_ = pe;
    }
    if (pe < rank()) said_.insert(parts.begin() + 3, parts.end());
    if (pe == rank()) my_host = host->second;
  }
  host_mates_ = hosts_[my_host];
  exchange_->set_busy(false);
  launcher_pidfd_ = open_launcher_pidfd(kOfThisProcess);
}

std::vector<std::string> LaunchSession::unsaid(const std::vector<std::string>& warnings) {
  const base::Lock lock(mutex_);
  std::vector<std::string> left;
  for (const std::string& warning : warnings)
    if (said_.insert(without_parts(warning)).second) left.push_back(warning);
  return left;
}

void LaunchSession::fail_start() {
  const std::string why =
      size() == 1 ? fault_ : "PE " + std::to_string(faulty_pe_) + ": " + fault_;
  if (rank() != faulty_pe_) {
    blame(faulty_pe_);
  } else if (launcher_reports()) {
    abandon(fault_);
  } else {
    LAMELLAR_LOG_ERROR("{}", why);
  }
  try {
    if (!broken_.load()) barrier("fault", "the PE that cannot start");
  } catch (const Error&) {
    // The job is being ended already.
  }
  broken_.store(true);
  throw JobFailed(faulty_pe_, why);
}

LaunchSession::~LaunchSession() {
  if (launcher_pidfd_ >= 0) close(launcher_pidfd_);
}

void LaunchSession::set_timeout(std::uint64_t timeout_ns) {
  const base::Lock lock(mutex_);
  timeout_ns_ = timeout_ns;
}

std::unique_ptr<Bootstrap> LaunchSession::open(const std::string& world_name) {
  check_process();
  const base::Lock lock(mutex_);
  const std::string key = key_of_world(world_name, generations_[world_name]++);
  auto bootstrap = std::make_unique<SessionBootstrap>(shared_from_this(), world_name, key);
  if (open_++ == 0) exchange_->set_busy(true);
  return bootstrap;
}

void LaunchSession::closed() noexcept {
  const base::Lock lock(mutex_);
  if (--open_ == 0 && getpid() == process_ && !broken_.load()) exchange_->set_busy(false);
}

std::vector<std::string> LaunchSession::allgather(const std::string& key, const std::string& what,
                                                  const std::string& mine) {
  check_process();
  const base::Lock lock(mutex_);
  try {
    return exchange_->allgather({key, what, timeout_ns_}, mine);
  } catch (...) {
    broken_.store(true);
    throw;
  }
}

void LaunchSession::barrier(const std::string& key, const std::string& what) {
  check_process();
  const base::Lock lock(mutex_);
  try {
    exchange_->barrier({key, what, timeout_ns_});
  } catch (...) {
    broken_.store(true);
    throw;
  }
}

void LaunchSession::abandon(const std::string& why) noexcept {
  broken_.store(true);
  if (getpid() == process_) exchange_->abandon(why);
}

void LaunchSession::blame(Pe culprit) noexcept {
  if (getpid() != process_) return;
  failed_.store(true);
  exchange_->blame(culprit);
}

void LaunchSession::say_end(const std::string& how) noexcept {
  if (getpid() == process_) exchange_->say_end(how);
}

void LaunchSession::end_of_process() noexcept {
  if (getpid() != process_ || !mutex_.try_lock()) return;
  if (open_ == 0 && !broken_.load() && !failed_.load()) exchange_->finalize();
  mutex_.unlock();
}

void LaunchSession::check_process() const {
  if (getpid() != process_)
    throw LaunchError("this process was made by fork(): it is not one of the PEs that " +
                      launcher_ + " started");
  if (broken_.load())
    throw LaunchError("this process could not start a world with the others before, so it cannot "
                      "start another one");
}

std::unique_ptr<Exchange> connect_launcher(const Detection& detection, std::uint64_t timeout_ns) {
  if (detection.by == LaunchedBy::kNobody) return exchange_alone();
  if (detection.by == LaunchedBy::kNoPmi) throw detection.refusal(detection.why);
  std::unique_ptr<Pmi> pmi;
  try {
    pmi = join(detection, after(timeout_ns));
  } catch (const LaunchError& error) {
    throw detection.refusal(error.what());
  }
  if (pmi->size() == 1 && detection.told_size > 1)
    throw detection.refusal("its PMI says that there is one PE instead of " +
                            std::to_string(detection.told_size));
  return exchange_by_pmi(std::move(pmi), detection.launcher);
}

namespace {

struct OneSession {
  base::Mutex mutex;
  std::shared_ptr<LaunchSession> session;
  bool by_user = false;
};

// Never destroyed: worlds may outlive the end of main.
OneSession& one_session() {
  static auto* one = new OneSession();
  return *one;
}

void at_exit() {
  OneSession& one = one_session();
  if (one.session) one.session->end_of_process();
}

}  // namespace

void say_end_to_launcher(const std::string& how) noexcept {
  OneSession& one = one_session();
  if (!one.mutex.try_lock()) return;
  if (one.session) one.session->say_end(how);
  one.mutex.unlock();
}

std::shared_ptr<LaunchSession> join_launcher(const UserBootstrap* callbacks,
                                             std::uint64_t timeout_ns, const StartCard& card) {
  OneSession& one = one_session();
  const base::Lock lock(one.mutex);
  if (one.session) {
    if (callbacks != nullptr && !one.by_user)
      throw LaunchError(std::string("a UserBootstrap is given, but this process has joined its "
                                    "job already: by ") +
                        one.session->launcher());
    one.session->set_timeout(timeout_ns);
    return one.session;
  }
  std::unique_ptr<Exchange> exchange;
  std::string launcher = "user callbacks";
  if (callbacks != nullptr) {
    exchange = exchange_by_user(*callbacks);
  } else {
    const Detection detection = detect_launcher(kOfThisProcess);
    exchange = connect_launcher(detection, timeout_ns);
    launcher = detection.launcher;
  }
  one.session = std::make_shared<LaunchSession>(std::move(exchange), launcher, timeout_ns, card);
  one.by_user = callbacks != nullptr;
  std::atexit(at_exit);
  return one.session;
}

}  // namespace lamellar::lamellae

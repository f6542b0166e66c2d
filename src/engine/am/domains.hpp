#pragma once
// Completion domains of this PE: messages that are waited for as one, counted in records. PEs that
// run them tell how many have ended (wire::Control::kEnded). A domain is a task group, or a
// detached message to all PEs that was begun here or passed on.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <lamellar/task.hpp>

#include "base/clock/mutex.hpp"
#include "engine/am/request_table.hpp"

namespace lamellar::engine {

class Engine;

struct DomainRef {
  Pe owner = 0;
  std::uint32_t domain = 0;  // 0: none
};

// THREADS: any. LIFETIME: groups may outlast the engine; they launch and wait for nothing then.
class Domains {
 public:
  explicit Domains(Engine& engine) : engine_(engine) {}

  struct Domain {
    // Whether there was a moment, during the call, at which all that was launched had ended.
    bool quiet() const noexcept {
      const std::uint64_t before = ended.load();
      return before == launched.load();
    }
    std::atomic<std::uint64_t> launched{0};  // records
    std::atomic<std::uint64_t> ended{0};
    std::atomic<std::uint32_t> waiters{0};
    // The rest is guarded by the mutex.
    std::vector<detail::FutureState<void>*> waiting;  // entrusted
    bool open = true;                 // more may be launched
    std::optional<DomainRef> parent;  // of a message to all: in which all of it is one record
  };

  // A detached message to all: when its `parts` have ended, one record of `parent` has. The parent
  // of one begun here is a group of this PE, or none (its domain is 0).
  std::uint32_t open_broadcast(DomainRef parent, std::uint32_t parts);
  // Its address stays until it is closed and all has ended.
  std::pair<const std::uint32_t, Domain>& open_group();
  void close_group(std::uint32_t domain) noexcept;

  // `records` more have ended. False: there is no such domain, or not so many are under way.
  bool ended(std::uint32_t domain, std::uint64_t records) noexcept;
  // The same for one of an open group, without looking for it.
  void one_ended(Domain& domain) noexcept {
    domain.ended.fetch_add(1);
    if (domain.waiters.load() != 0) complete_if_quiet(domain);  // pairs with wait()
  }

  // Completes `state` once all that was launched has ended. It is entrusted.
  void wait(Domain& domain, detail::FutureState<void>& state);
  void fail_all(const MakeError& make) noexcept;

  // How many messages to all have begun here so far, and of these ended: each part that is passed
  // on is one.
  std::uint64_t broadcasts_begun() const noexcept { return broadcasts_begun_.load(); }
  std::uint64_t broadcasts_ended() const noexcept { return broadcasts_ended_.load(); }

 private:
  using Waiting = std::vector<detail::FutureState<void>*>;
  std::map<std::uint32_t, Domain>::iterator open();
  void complete_if_quiet(Domain& domain) noexcept;
  static Waiting take_waiting(Domain& domain) noexcept;
  static void complete(const Waiting& waiting) noexcept;
  void tell(DomainRef parent) noexcept;

  Engine& engine_;
  base::Mutex mutex_;
  std::map<std::uint32_t, Domain> domains_;
  std::uint32_t last_ = 0;
  std::atomic<std::uint64_t> broadcasts_begun_{0};
  std::atomic<std::uint64_t> broadcasts_ended_{0};
};

// What a task group's handle, and all that was not started or ends on this PE, have in common.
class Group {
 public:
  Group(Engine& on, std::shared_ptr<Domains> domains)
      : engine(on), home_(std::move(domains)), entry_(home_->open_group()) {}
  ~Group() { home_->close_group(id()); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  std::uint32_t id() const noexcept { return entry_.first; }
  void began() noexcept { entry_.second.launched.fetch_add(1); }
  void ended() noexcept { home_->one_ended(entry_.second); }
  void wait(detail::FutureState<void>& state) { home_->wait(entry_.second, state); }

  Engine& engine;

 private:
  std::shared_ptr<Domains> home_;
  std::pair<const std::uint32_t, Domains::Domain>& entry_;
};

}  // namespace lamellar::engine

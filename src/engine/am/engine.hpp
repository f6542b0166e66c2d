#pragma once
// One PE's messages: ties the sender, the receiver, the requests and the scheduler together.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <lamellar/task.hpp>

#include "base/clock/mutex.hpp"
#include "base/wire/wire.hpp"
#include "engine/am/answer_sets.hpp"
#include "engine/am/backlog.hpp"
#include "engine/am/domains.hpp"
#include "engine/am/local_count.hpp"
#include "engine/am/patience.hpp"
#include "engine/am/receiver.hpp"
#include "engine/am/registry.hpp"
#include "engine/am/request_table.hpp"
#include "engine/am/sender.hpp"
#include "engine/sched/scheduler.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::engine {

struct EngineOptions {
  std::string name = "world";
  std::uint32_t threads = 1;     // that work for this PE, the one that waits included
  bool spins = false;            // there is a cpu for every thread
  std::function<std::unique_ptr<Executor>()> executor;  // empty: work stealing
  bool stands_in = false;        // LAMELLAR_PROGRESS=helper
  base::Cpus cpus;               // of its threads; none: they are not bound
  std::uint64_t max_record = 0;  // UNITS: bytes
  SpillLimits spill;
  std::uint64_t flush_ns = 0;
  double warn_after_s = 0;
  bool strict = false;
  bool warn_dropped_handles = true;
  std::function<void(std::exception_ptr)> on_error;  // empty: report and end the job
};

// Who sits above and gets the control records of the collectives.
class ControlHook {
 public:
  // What is wrong with it, or null.
  virtual const char* on_control(Pe source, const wire::ControlHead& head) noexcept = 0;
  virtual void fail_all(const MakeError& make) noexcept = 0;

 protected:
  ~ControlHook() = default;
};

class Engine final : private IdleHook {
 public:
  Engine(EngineOptions options, std::unique_ptr<lamellae::Lamella> lamella, TypeSnapshot types);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start() { scheduler_->start(); }
  // Ends the workers, fails what still waits with WorldEnded, frees the PE's state. Once.
  void stop() noexcept;

  // What World handles made from inside share; set by whoever built this.
  void set_self(std::weak_ptr<Engine> self) noexcept { self_ = std::move(self); }
  std::shared_ptr<Engine> self() const noexcept { return self_.lock(); }

  const EngineOptions& options() const noexcept { return options_; }
  Pe my_pe() const noexcept { return my_pe_; }
  Pe num_pes() const noexcept { return num_pes_; }
  // Whether messages to the own PE may go in frames like the others.
  bool frames_itself() const noexcept { return frames_itself_; }
  Scheduler& scheduler() noexcept { return *scheduler_; }
  lamellae::Lamella& lamella() noexcept { return *lamella_; }
  Sender& sender() noexcept { return *sender_; }
  Receiver& receiver() noexcept { return *receiver_; }
  RequestTable& requests() noexcept { return requests_; }
  AnswerSets& answer_sets() noexcept { return answer_sets_; }
  Domains& domains() noexcept { return *domains_; }
  std::shared_ptr<Group> make_group() { return std::make_shared<Group>(*this, domains_); }
  const Backlog& backlog() const noexcept { return *backlog_; }
  const TypeSnapshot& types() const noexcept { return types_; }
  void set_control_hook(ControlHook* hook) noexcept { control_hook_ = hook; }
  ControlHook* control_hook() noexcept { return control_hook_; }

  // ERRORS: WorldEnded, JobFailed.
  void check_running() {
    if (over()) [[unlikely]]
      throw_not_running();
  }
  void send_control(Pe destination, const wire::ControlHead& head);
  // Waits until nothing is kept back for want of credit. BLOCKS.
  void drain(std::source_location where);
  // Before an answer is appended: while too many wait for credit, takes answers of others and
  // nothing else. BLOCKS: until the receivers of answers look at the network; that they do in any
  // case (decision 0012).
  void make_room_for_reply() noexcept {
    if (backlog_->full_of_replies()) [[unlikely]]
      await_room_for_reply();
  }
  // Request bytes committed for `destination` so far.
  std::uint64_t request_bytes_sent(Pe destination) noexcept {
    return sender_->bytes_sent(destination) + backlog_->large_bytes_sent(destination);
  }
  const char* on_control(Pe source, const wire::ControlHead& head) noexcept;

  // What this PE launched: active messages, posted calls, and with kDescendants also the tasks
  // started here that descend from an active message, whoever sent it.
  enum class Covers : std::uint8_t { kLaunched, kDescendants };
  // Whether there was a moment, during the call, at which all of that had run: then how much it
  // was, in a unit of its own. The number only grows.
  std::optional<std::uint64_t> quiet(Covers covers);
  // Gives what quiet() gave in the end.
  Future<std::uint64_t> async_quiet(Covers covers, const char* what, std::source_location where);
  void wait_all(std::source_location where);
  // To be called when a wait has been listed: a failure may have ended all just before.
  void end_waits_when_over() noexcept;
  bool somebody_waits_for_quiet() const noexcept { return quiet_waiters_.load() != 0; }
  // Something wait_all may have waited for has happened, and was published by a seq_cst operation;
  // counted(): was counted by plain stores.
  void progressed() noexcept;
  void counted() noexcept;
  void local_began() noexcept {
    locals_.began(scheduler_->number_of_this_thread());
    if (!Scheduler::inside_task()) scheduler_->throttle();
  }
  void local_ended() noexcept;
  // Messages have ended here that are `records` of a domain.
  void record_ended(DomainRef domain, std::uint64_t records) noexcept;

  // --- failure -----------------------------------------------------------------------------
  bool failed() const noexcept { return failed_.load(); }
  // Failed or ended: nothing is waited for any more.
  bool over() const noexcept { return failed_.load() || ended_.load(); }
  // This PE failed: report it (once per job), let the others know, end all waits.
  void fail(const std::string& why) noexcept;
  void fail_with(std::exception_ptr error) noexcept;
  // A failure nobody waits for: to the user's handler, or ends the job.
  void unseen_failure(const char* what, std::exception_ptr error) noexcept;
  [[noreturn]] void throw_failure();  // failure()
  [[noreturn]] void throw_not_running();
  // Why waits end: JobFailed, or WorldEnded when nothing failed. A new object for each caller.
  std::exception_ptr failure();

  std::uint64_t add_local(void* object, void (*destroy)(void*) noexcept);
  void* get_local(std::uint64_t id);

 private:
  bool poll() noexcept override;
  void going_idle() noexcept override;
  bool pending() noexcept override;
  void descendant_began() noexcept override;
  void descendant_ended() noexcept override;
  std::uint64_t look_again_ns() noexcept override;
  bool poll_when_full() noexcept;
  void await_room_for_reply() noexcept;
  bool hear_of_failure() noexcept;
  void end_waits(const MakeError& make) noexcept;
  void job_failed(Pe pe, const std::string& why) noexcept;
  std::uint64_t finished(Covers covers) const noexcept;
  std::uint64_t launched(Covers covers) const noexcept;
  void complete_quiet_waiters() noexcept;
  void report_later() noexcept;
  void report_ended() noexcept;

  EngineOptions options_;
  std::weak_ptr<Engine> self_;
  std::unique_ptr<lamellae::Lamella> lamella_;
  const Pe my_pe_;
  const Pe num_pes_;
  const bool frames_itself_;
  TypeSnapshot types_;
  RequestTable requests_;
  AnswerSets answer_sets_;
  const std::shared_ptr<Domains> domains_;
  std::unique_ptr<Backlog> backlog_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<Receiver> receiver_;
  ControlHook* control_hook_ = nullptr;
  Patience patience_;         // while the backlog is full
  base::EventCount replying_; // nobody rings: who waits for room for a reply looks by the clock

  LocalCount locals_;                           // own-PE messages
  LocalCount descendants_;                      // tasks descended from active messages
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<std::uint64_t> quiet_waiters_{0};
  std::atomic<bool> ended_{false};
  std::atomic<bool> failed_{false};

  base::Mutex mutex_;  // guards what follows
  struct QuietWaiter {
    Covers covers;
    detail::FutureState<std::uint64_t>* state;  // entrusted
  };
  std::vector<QuietWaiter> async_quiet_;
  Pe failed_pe_ = 0;
  std::string failed_why_;

  struct LocalObject {
    void* object;
    void (*destroy)(void*) noexcept;
  };
  static constexpr std::size_t kMaxLocalObjects = 4096;
  std::unique_ptr<LocalObject[]> objects_;  // written once each, before the count grows
  std::atomic<std::uint64_t> local_objects_{0};
};

// Runs of messages of `type`. ERRORS: Error for a type the world does not know.
RunKind kind_of(Engine& engine, const detail::AmType& type, wire::Kind kind);
// Of detached ones of a group.
RunKind kind_of(Engine& engine, const detail::AmType& type, const Group& group);

inline constexpr const char* kWaitAll = "all its active messages (wait_all)";

// An agreement or a wait of the library, for those who only want to know that it is over.
Task<void> without_value(Future<std::uint64_t> future);

// While a thread reads a chunk it is inside a handler of this engine's PE.
class EnterHandler {
 public:
  explicit EnterHandler(Engine& engine) noexcept
      : outer_(std::exchange(detail::t_state.engine, &engine)),
        outer_scheduler_(std::exchange(detail::t_state.scheduler, &engine.scheduler())),
        outside_(std::exchange(detail::t_state.inside, {.handler = true, .am = true})) {
    ++detail::t_state.depth;
    Scheduler::handler_begins();
  }
  ~EnterHandler() {
    --detail::t_state.depth;
    detail::t_state.inside = outside_;
    detail::t_state.scheduler = outer_scheduler_;
    detail::t_state.engine = outer_;
  }
  EnterHandler(const EnterHandler&) = delete;
  EnterHandler& operator=(const EnterHandler&) = delete;

 private:
  Engine* outer_;
  Scheduler* outer_scheduler_;
  detail::Inside outside_;
};

}  // namespace lamellar::engine

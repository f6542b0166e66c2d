#include "engine/am/engine.hpp"

#include <algorithm>
#include <lamellar/error.hpp>

#include "base/clock/futex.hpp"
#include "base/core/assert.hpp"
#include "base/log/log.hpp"
#include "engine/am/failure.hpp"
#include "engine/am/planted.hpp"

namespace lamellar::engine {

using lamellae::Lane;
using lamellae::Take;

namespace {

// The world in which this thread ended own-PE messages or tasks since it reported that.
constinit thread_local Engine* t_ended_some __attribute__((tls_model("initial-exec"))) = nullptr;

}  // namespace

Engine::Engine(EngineOptions options, std::unique_ptr<lamellae::Lamella> lamella,
               TypeSnapshot types)
    : options_(std::move(options)),
      lamella_(std::move(lamella)),
      my_pe_(lamella_->my_pe()),
      num_pes_(lamella_->num_pes()),
      frames_itself_(lamella_->reaches_itself()),
      types_(std::move(types)),
      domains_(std::make_shared<Domains>(*this)),
      backlog_(std::make_unique<Backlog>(*lamella_, options_.spill)),
      locals_(options_.threads),
      descendants_(options_.threads),
      objects_(new LocalObject[kMaxLocalObjects]) {
  SchedulerOptions scheduling;
  scheduling.pe = my_pe_;
  scheduling.workers = options_.threads - 1;
  scheduling.spins = options_.spins;
  if (options_.executor) scheduling.executor = options_.executor();
  scheduling.stands_in = options_.stands_in;
  scheduling.cpus = options_.cpus;
  scheduling.warn_after_s = options_.warn_after_s;
  scheduling.doorbell = &lamella_->doorbell();
  scheduling.scope = lamella_->doorbell_scope();
  scheduling.hook = this;
  scheduling.engine = this;
  scheduling.unseen_failure = [this](std::exception_ptr error) {
    unseen_failure("a dropped future", std::move(error));
  };
  scheduler_ = std::make_unique<Scheduler>(std::move(scheduling));
  SenderOptions sending;
  sending.engine = this;
  sending.max_record = options_.max_record;
  sending.flush_ns = options_.flush_ns;
  sending.threads_per_pe = options_.threads;
  sender_ = std::make_unique<Sender>(*lamella_, *scheduler_, *backlog_, sending);
  Assembly::Limits pieces;
  pieces.max_record = options_.max_record;
  pieces.window =
      std::uint64_t{lamella_->frames(Lane::kRequest) + lamella_->frames(Lane::kReply)} *
      lamella_->frame_capacity();
  pieces.most_open = lamella_->credits(Lane::kRequest) + lamella_->credits(Lane::kReply) + 2;
  pieces.largest_counted = options_.spill.largest_assembled;
  receiver_ = std::make_unique<Receiver>(*this, num_pes_, pieces);
}

Engine::~Engine() { stop(); }

void Engine::stop() noexcept {
  if (ended_.exchange(true)) return;
  end_waits([this] { return failure(); });
  scheduler_->stop();
  sender_->close();
  backlog_->clear();
  receiver_->clear();
  for (std::uint64_t id = local_objects_.exchange(0); id > 0; --id)
    objects_[id - 1].destroy(objects_[id - 1].object);
}

bool Engine::poll() noexcept {
  if (t_ended_some == this) report_ended();
  if (hear_of_failure()) return true;
  if (backlog_->full()) [[unlikely]]
    return poll_when_full();
  const bool received = lamella_->poll(*receiver_);
  return backlog_->drain() || received;
}

// The rule that bounds memory and cannot stop the world: decision 0012.
bool Engine::poll_when_full() noexcept {
  patience_.full(backlog_->times_full());
  const bool sent = backlog_->drain();
  if (lamella_->poll(*receiver_, Take::kReplies) || sent) {
    patience_.moved();
    return true;
  }
  if (!backlog_->full_of_requests() || !patience_.over(base::now_ns())) return false;
  const bool took = lamella_->poll(*receiver_);
  if (took) patience_.shorten();
  return took;
}

std::uint64_t Engine::look_again_ns() noexcept {
  if (!backlog_->full_of_requests() || !lamella_->has_incoming()) return base::kForever;
  return patience_.until(base::now_ns());
}

void Engine::await_room_for_reply() noexcept {
  constexpr std::uint32_t kLooks = 64;
  constexpr std::uint64_t kSleepNs = 100'000;
  sender_->flush_replies();  // what this thread keeps can leave only from the backlog
  std::uint32_t looks = 0;
  while (backlog_->full_of_replies() && !failed_.load() && !ended_.load()) {
    hear_of_failure();
    const bool sent = backlog_->drain();
    if (lamella_->poll(*receiver_, Take::kReplies) || sent) {
      looks = 0;
    } else if (++looks < kLooks) {
      base::spin_pause();
    } else {
      // Not on the doorbell: what rings there may be for a thread that takes requests.
      replying_.commit(replying_.prepare(), base::now_ns() + kSleepNs,
                       base::FutexScope::kProcess);
    }
  }
}

void Engine::going_idle() noexcept {
  if (t_ended_some == this) report_ended();
  // A request of this thread may have been opened while fail_all() passed by: see there.
  if (over()) [[unlikely]]
    requests_.fail_all([this] { return failure(); });
  receiver_->report_executed();
  sender_->flush_this_thread();
}

bool Engine::pending() noexcept {
  const Take take = backlog_->full() ? Take::kReplies : Take::kAll;
  return lamella_->has_incoming(take) || backlog_->drain() ||
         (lamella_->failure() != nullptr && !failed_.load());
}

bool Engine::hear_of_failure() noexcept {
  const lamellae::FailureNote* const note = lamella_->failure();
  if (note == nullptr || failed_.load(std::memory_order_relaxed)) return false;
  job_failed(note->pe, std::string(note->text, note->length));
  return true;
}

void Engine::drain(std::source_location where) {
  sender_->flush_this_thread();
  scheduler_->work_until([this] { return backlog_->empty() || failed_.load(); },
                         {"credit for what is still to be sent", "wait outside of tasks"}, where);
}

void Engine::throw_not_running() {
  if (failed_.load()) throw_failure();
  throw WorldEnded("world '" + options_.name +
                   "' has ended: nothing can be sent, started or waited for in it any more");
}

void Engine::send_control(Pe destination, const wire::ControlHead& head) {
  const std::uint32_t word = wire::word_of(0, wire::Kind::kControl);
  sender_->append(destination, Lane::kReply, {word, word, 0, "a control record"},
                  {&head, sizeof head, false, nullptr, nullptr});
}

const char* Engine::on_control(Pe source, const wire::ControlHead& head) noexcept {
  return control_hook_ != nullptr ? control_hook_->on_control(source, head) : nullptr;
}

// --- quiet ---------------------------------------------------------------------------------

// What is under way may pass from one of these counts to another at any time, but never without
// that the next one has grown before this one says "finished".
std::uint64_t Engine::launched(Covers covers) const noexcept {
  std::uint64_t sum = sender_->requests_opened() + answer_sets_.opened() +
                      domains_->broadcasts_begun();
  base::sim_point();
  sum += locals_.all_began();
  base::sim_point();
  if (covers == Covers::kDescendants) sum += descendants_.all_began();
  for (Pe pe = 0; pe < num_pes_; ++pe)
    sum += sender_->bytes_sent(pe) + backlog_->large_bytes_sent(pe);
  return sum;
}

std::uint64_t Engine::finished(Covers covers) const noexcept {
  std::uint64_t sum = sender_->requests_answered() + requests_.failed() +
                      answer_sets_.answered() + domains_->broadcasts_ended();
  base::sim_point();
  sum += locals_.all_ended();
  base::sim_point();
  if (covers == Covers::kDescendants) sum += descendants_.all_ended();
  for (Pe pe = 0; pe < num_pes_; ++pe) sum += receiver_->acknowledged(pe);
  return sum;
}

std::optional<std::uint64_t> Engine::quiet(Covers covers) {
  const bool planted = g_planted_early_quiescence.load(std::memory_order_relaxed);
  const std::uint64_t too_early = planted ? launched(covers) : 0;
  // Each finished one was launched before. So when the sums agree, nothing was under way when the
  // first one was read.
  const std::uint64_t ran = finished(covers);
  base::sim_point();
  const std::uint64_t all = planted ? too_early : launched(covers);
  if (ran != all) return std::nullopt;
  return all;
}

void Engine::wait_all(std::source_location where) {
  const detail::WaitLabel label{kWaitAll, "co_await world.async_wait_all()"};
  Scheduler::refuse_inside_task(label, where);
  check_running();
  quiet_waiters_.fetch_add(1);  // pairs with progressed(): publish, then look for waiters
  receiver_->check_reports();
  bool looked = false, is_quiet = false;
  std::uint64_t seen = 0;
  scheduler_->work_until(
      [&] {
        if (failed_.load()) return true;
        // Asked again the answer is the same: it is asked before parking and after.
        const std::uint64_t now = progress_.load();
        if (!looked || now != seen) is_quiet = quiet(Covers::kLaunched).has_value();
        looked = true;
        seen = now;
        return is_quiet;
      },
      label, where);
  quiet_waiters_.fetch_sub(1);
  if (failed_.load()) throw_failure();
}

Future<std::uint64_t> Engine::async_quiet(Covers covers, const char* what,
                                          std::source_location where) {
  check_running();
  auto* state = detail::slab_new<detail::FutureState<std::uint64_t>>(*scheduler_);
  state->label = {what, "co_await it", ~Pe{0}, 0, where};
  Future<std::uint64_t> future{detail::StateRef<detail::FutureState<std::uint64_t>>(state)};
  quiet_waiters_.fetch_add(1);
  receiver_->check_reports();
  {
    base::Lock lock(mutex_);
    async_quiet_.push_back({covers, state});
    state->entrust();
  }
  sender_->flush_this_thread();
  complete_quiet_waiters();
  end_waits_when_over();
  return future;
}

void Engine::end_waits_when_over() noexcept {
  if (over()) end_waits([this] { return failure(); });
}

void Engine::complete_quiet_waiters() noexcept {
  std::vector<detail::FutureState<std::uint64_t>*> ready;
  {
    base::Lock lock(mutex_);
    for (const Covers covers : {Covers::kLaunched, Covers::kDescendants}) {
      const auto waits = [covers](const QuietWaiter& waiter) { return waiter.covers == covers; };
      if (std::none_of(async_quiet_.begin(), async_quiet_.end(), waits)) continue;
      const std::optional<std::uint64_t> all = quiet(covers);
      if (!all) continue;
      for (const QuietWaiter& waiter : async_quiet_) {
        if (!waits(waiter)) continue;
        waiter.state->emplace(*all);
        ready.push_back(waiter.state);
      }
      std::erase_if(async_quiet_, waits);
    }
  }
  for (auto* state : ready) {
    quiet_waiters_.fetch_sub(1);
    state->complete();
  }
}

void Engine::progressed() noexcept {
  if (!somebody_waits_for_quiet()) return;  // pairs with wait_all(): who comes later looks itself
  progress_.fetch_add(1);
  complete_quiet_waiters();
  scheduler_->wake_waiters();
}

void Engine::counted() noexcept {
  progress_.fetch_add(1);  // seq_cst
  progressed();
}

void Engine::record_ended(DomainRef domain, std::uint64_t records) noexcept {
  if (records == 0) return;
  if (domain.owner != my_pe_) return receiver_->ended(domain, records);
  if (!domains_->ended(domain.domain, records))
    fail("more messages of domain " + std::to_string(domain.domain) +
         " have ended than were under way");
}

void Engine::local_ended() noexcept {
  locals_.ended(scheduler_->number_of_this_thread());
  report_later();
}

void Engine::descendant_began() noexcept {
  descendants_.began(scheduler_->number_of_this_thread());
}

void Engine::descendant_ended() noexcept {
  descendants_.ended(scheduler_->number_of_this_thread());
  report_later();
}

// Told when this thread looks at the network or runs dry, not for each of them.
void Engine::report_later() noexcept {
  if (t_ended_some == this) return;
  if (t_ended_some != nullptr) t_ended_some->report_ended();
  t_ended_some = this;
}

void Engine::report_ended() noexcept {
  t_ended_some = nullptr;
  counted();
}

Task<void> without_value(Future<std::uint64_t> future) { co_await future; }

// --- failure -------------------------------------------------------------------------------

void Engine::end_waits(const MakeError& make) noexcept {
  scheduler_->interrupt(make);
  requests_.fail_all(make);
  answer_sets_.fail_all(make);
  domains_->fail_all(make);
  if (control_hook_ != nullptr) control_hook_->fail_all(make);
  std::vector<QuietWaiter> waiting;
  {
    base::Lock lock(mutex_);
    waiting.swap(async_quiet_);
  }
  for (const QuietWaiter& waiter : waiting) {
    quiet_waiters_.fetch_sub(1);
    waiter.state->fail(make());
  }
  scheduler_->wake_waiters();
}

void Engine::job_failed(Pe pe, const std::string& why) noexcept {
  {
    base::Lock lock(mutex_);
    if (failed_.load()) return;
    failed_pe_ = pe;
    failed_why_ = why;
    failed_.store(true);
  }
  end_waits([pe, why] { return std::make_exception_ptr(JobFailed(pe, why)); });
}

void Engine::fail(const std::string& why) noexcept {
  if (failed_.load()) return;
  lamella_->announce_failure(my_pe_, why,
                             [&] { LAMELLAR_LOG_ERROR("{}; the job ends", why); });
  job_failed(my_pe_, why);
}

void Engine::fail_with(std::exception_ptr error) noexcept {
  const FailureText text = describe(error);
  fail(text.type + ": " + text.what);
}

void Engine::unseen_failure(const char* what, std::exception_ptr error) noexcept {
  if (failed_.load() || ended_.load()) return;  // a consequence
  const FailureText text = describe(error);
  if (options_.on_error) {
    try {
      return options_.on_error(error);
    } catch (...) {
      return fail("the error handler threw while it was given " + text.type + ": " + text.what);
    }
  }
  fail(std::string(what) + " failed and nobody waits for it: " + text.type + ": " + text.what);
}

std::exception_ptr Engine::failure() {
  if (!failed_.load())
    return std::make_exception_ptr(
        WorldEnded("world '" + options_.name + "' has ended while this was waited for"));
  base::Lock lock(mutex_);
  return std::make_exception_ptr(JobFailed(failed_pe_, failed_why_));
}

void Engine::throw_failure() { std::rethrow_exception(failure()); }

RunKind kind_of(Engine& engine, const detail::AmType& type, wire::Kind kind) {
  const auto key = reinterpret_cast<std::uintptr_t>(&type) | static_cast<std::uintptr_t>(kind);
  return {key, wire::word_of(engine.types().number_of(type), kind), 0, type.name};
}

RunKind kind_of(Engine& engine, const detail::AmType& type, const Group& group) {
  // No descriptor of a type, nor one with a kind, ends in these low bits.
  constexpr std::uintptr_t kMark = 7;
  static_assert(sizeof(std::uintptr_t) == 8 && wire::kMaxTypes <= 1u << 28);
  const std::uint32_t number = engine.types().number_of(type);
  const std::uintptr_t key = std::uintptr_t{number} << 36 | std::uintptr_t{group.id()} << 4 |
                             kMark;
  return {key, wire::word_of(number, wire::Kind::kGroup), group.id(), type.name};
}

// --- PE-local objects ----------------------------------------------------------------------

std::uint64_t Engine::add_local(void* object, void (*destroy)(void*) noexcept) {
  check_running();
  base::Lock lock(mutex_);
  const std::uint64_t id = local_objects_.load(std::memory_order_relaxed) + 1;
  if (id > kMaxLocalObjects)
    throw Error("world '" + options_.name + "' has " + std::to_string(kMaxLocalObjects) +
                " PeLocals already, which is the limit; put several values into one");
  objects_[id - 1] = {object, destroy};
  local_objects_.store(id, std::memory_order_release);  // pairs with get_local()
  return id;
}

void* Engine::get_local(std::uint64_t id) {
  const std::uint64_t known = local_objects_.load(std::memory_order_acquire);
  if (id != 0 && id > known && ended_.load())
    throw WorldEnded("world '" + options_.name + "' has ended, and its PeLocals with it");
  if (id == 0 || id > known)
    throw Error("PeLocal " + std::to_string(id) + " is not known in world '" + options_.name +
                "' (it has " + std::to_string(known) +
                "): was it made on every PE, and is this its world?");
  return objects_[id - 1].object;
}

}  // namespace lamellar::engine

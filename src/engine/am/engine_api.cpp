// The calls that typed shells in user code make.
#include <lamellar/detail/engine_api.hpp>

#include <cstdio>
#include <cstdlib>
#include <lamellar/detail/am_type.hpp>
#include <lamellar/detail/append.hpp>
#include <lamellar/error.hpp>

#include "base/core/assert.hpp"
#include "base/log/log.hpp"
#include "engine/am/broadcast.hpp"
#include "engine/am/engine.hpp"
#include "engine/am/failure.hpp"

namespace lamellar::detail {

using engine::Engine;
using lamellae::Lane;

static_assert(sizeof(RequestId) == sizeof(wire::RequestId) &&
              offsetof(RequestId, generation) == offsetof(wire::RequestId, generation));

using engine::kind_of;

static_assert(static_cast<std::uintptr_t>(wire::Kind::kDetached) == kDetachedRun &&
              static_cast<std::uintptr_t>(wire::Kind::kRequest) == kRequestRun &&
              wire::word_of(0, wire::Kind::kReply) == kReplyRun);
static_assert(std::is_same_v<wire::Length, BodyLength>);

namespace {

// Runs of answers and control carry no type: small numbers no AmType can lie at.
engine::RunKind answer_kind(wire::Kind kind, const char* name) {
  const std::uint32_t word = wire::word_of(0, kind);
  return {static_cast<std::uintptr_t>(word), word, 0, name};
}

}  // namespace

bool append_detached(Engine& engine, Pe pe, const AmType& type, const void* am,
                     EncodeFn encode) {
  engine.check_running();
  check_pe(engine, pe, "exec_am_pe");
  if (pe == engine.my_pe() && !(type.framed_here && engine.frames_itself())) return false;
  engine.sender().append(pe, Lane::kRequest, kind_of(engine, type, wire::Kind::kDetached),
                         {nullptr, 0, type.fixed == kVariableSize, am, encode});
  return true;
}

namespace {

using Hold = engine::RequestTable::Hold;

RequestId open_indexed(Engine& engine, FutureCore& state, std::uint32_t index, ArriveFn arrive,
                       Hold hold) {
  engine.check_running();
  engine::RequestShelf& shelf = engine.sender().shelf_of_this_thread();
  const RequestId id = engine.requests().open(shelf, state, index, arrive, hold);
  // All waits may have ended just before this one was opened.
  if (engine.over()) [[unlikely]]
    engine.requests().answer(shelf, id, nullptr, engine.failure());
  return id;
}

}  // namespace

RequestId open_request(Engine& engine, FutureCore& state, ArriveFn arrive) {
  return open_indexed(engine, state, 0, arrive, Hold::kEntrusted);
}

void append_request(Engine& engine, Pe pe, const AmType& type, const void* am, EncodeFn encode,
                    RequestId id) {
  try {
    engine.sender().append(pe, Lane::kRequest, kind_of(engine, type, wire::Kind::kRequest),
                           {&id, sizeof id, type.fixed == kVariableSize, am, encode});
  } catch (...) {
    engine.requests().answer(engine.sender().shelf_of_this_thread(), id, nullptr,
                             std::current_exception());
    engine.counted();
  }
}

void append_detached_to_all(Engine& engine, const AmType& type, const void* am, EncodeFn encode,
                            engine::Group* group) {
  engine.check_running();
  engine::send_to_all(engine, type, am, encode, {}, group);
}

void send_request_to_all(Engine& engine, const AmType& type, const void* am, EncodeFn encode,
                         FutureCore& state, ArriveFn arrive) {
  if (engine.num_pes() == 2) {
    const Pe other = 1 - engine.my_pe();
    return append_request(engine, other, type, am, encode,
                          open_indexed(engine, state, other, arrive, Hold::kReference));
  }
  engine.check_running();
  const RequestId id = engine.answer_sets().open(state, engine.my_pe(), engine.num_pes(), arrive);
  try {
    engine::send_to_all(engine, type, am, encode, id, nullptr);
  } catch (...) {
    engine.answer_sets().fail(id, std::current_exception());
    engine.progressed();
    return;
  }
  // A failure of the job may have ended all waits just before this one was opened.
  if (engine.failed()) engine.answer_sets().fail(id, engine.failure());
}

std::shared_ptr<engine::Group> new_group(Engine& engine) {
  engine.check_running();
  return engine.make_group();
}

void group_began(engine::Group& group) noexcept { group.began(); }
void group_ended(engine::Group& group) noexcept { group.ended(); }

void append_to_group(engine::Group& group, Pe pe, const AmType& type, const void* am,
                     EncodeFn encode) {
  Engine& engine = group.engine;
  const engine::RunKind kind = engine::kind_of(engine, type, group);
  group.began();
  try {
    engine.sender().append(pe, Lane::kRequest, kind,
                           {nullptr, 0, type.fixed == kVariableSize, am, encode});
  } catch (...) {
    group.ended();
    throw;
  }
}

Future<void> group_wait(engine::Group& group, std::source_location where) {
  Engine& engine = group.engine;
  engine.check_running();
  auto* state = slab_new<FutureState<void>>(engine.scheduler());
  state->label = {"the active messages of a task group", "co_await it", ~Pe{0}, 0, where};
  Future<void> future{StateRef<FutureState<void>>(state)};
  engine.sender().flush_this_thread();
  group.wait(*state);
  engine.end_waits_when_over();
  return future;
}

void reply_value(Engine& engine, Pe pe, RequestId request, const AmType& type, const void* value,
                 EncodeFn encode) {
  engine.make_room_for_reply();
  engine.sender().append(pe, Lane::kReply, answer_kind(wire::Kind::kReply, type.name),
                         {&request, sizeof request, true, value, encode});
}

void reply_failure(Engine& engine, Pe pe, RequestId request, const AmType& type,
                   std::exception_ptr error) noexcept {
  // A consequence: whoever waits for it hears of the failure of the job itself.
  if (engine.failed()) return;
  engine.make_room_for_reply();
  engine::FailureBody body{engine::describe(error), type.name, engine.my_pe()};
  const auto send = [&] {
    engine.sender().append(pe, Lane::kReply,
                           answer_kind(wire::Kind::kException, "the text of an exception"),
                           {&request, sizeof request, true, &body, &engine::encode_failure});
  };
  try {
    send();
  } catch (const AmTooLarge& too_large) {
    body.text.what = std::string("(text left out: ") + too_large.what() + ")";
    send();
  }
}

void detached_failure(Engine& engine, Pe source, const char* am,
                      std::exception_ptr error) noexcept {
  const std::string what =
      std::string("active message ") + am + " from PE " + std::to_string(source);
  engine.unseen_failure(what.c_str(), std::move(error));
}

void deferred_done(Engine& engine, Pe source, const Ending& ending) noexcept {
  engine.receiver().executed(source, ending.bytes);
  if (ending.domain != 0) engine.record_ended({ending.owner, ending.domain}, 1);
}

void post(Engine& engine, Job& job, Priority priority) noexcept {
  engine.local_began();
  engine.scheduler().submit_or_run(job, priority);
}
void check_thread(Engine& engine, std::uint32_t thread, const char* call) {
  if (const std::uint32_t threads = engine.options().threads; thread >= threads)
    throw Error(std::string(call) + ": there is no thread " + std::to_string(thread) + ", PE " +
                std::to_string(engine.my_pe()) + " has " + std::to_string(threads) +
                " (0 to " + std::to_string(threads - 1) + "; LAMELLAR_THREADS)");
}
void submit_to(Engine& engine, std::uint32_t thread, Job& job) noexcept {
  if (thread == kAnyThread) return engine.scheduler().submit(job);
  engine.scheduler().submit_to(thread, job);
}
void local_began(Engine& engine) { engine.local_began(); }
void local_ended(Engine& engine) noexcept { engine.local_ended(); }

std::exception_ptr as_remote_error(Engine& engine, const char* am,
                                   std::exception_ptr error) noexcept {
  const engine::FailureText text = engine::describe(error);
  return std::make_exception_ptr(RemoteError(text.type, text.what, engine.my_pe(), am));
}

engine::Scheduler& scheduler_of(Engine& engine) noexcept { return engine.scheduler(); }
Pe my_pe_of(const Engine& engine) noexcept { return engine.my_pe(); }
Pe num_pes_of(const Engine& engine) noexcept { return engine.num_pes(); }

void check_pe(Engine& engine, Pe pe, const char* call) {
  engine.check_running();
  if (pe >= engine.num_pes()) throw OutOfRange(call, pe, engine.num_pes());
}

void check_running(Engine& engine) { engine.check_running(); }

void refuse_inside_task(const WaitLabel& label, std::source_location where) {
  engine::Scheduler::refuse_inside_task(label, where);
}

void refuse_inside_handler(const WaitLabel& label, std::source_location where) {
  engine::Scheduler::refuse_inside_handler(label, where);
}

void handle_dropped(Engine& engine, const char* call, std::source_location where) noexcept {
  if (std::uncaught_exceptions() != 0) return;
  const auto& options = engine.options();
  if (!options.strict && !options.warn_dropped_handles) return;
  LAMELLAR_LOG_WARN(
      "the handle of {} at {}:{} was dropped and never started: nothing was sent; call block(), "
      "spawn(), detach() or co_await it{}",
      call, where.file_name(), where.line(), options.strict ? " (LAMELLAR_STRICT=1: abort)" : "");
  if (options.strict) std::abort();
}

std::uint64_t pe_local_add(Engine& engine, void* object, void (*destroy)(void*) noexcept) {
  return engine.add_local(object, destroy);
}

void* pe_local_get(Engine* engine, std::uint64_t id) {
  if (engine == nullptr) engine = t_state.engine;
  if (engine == nullptr)
    throw Error("PeLocal::local() was called on a thread that works for no PE; name it: "
                "local(world) or local(context)");
  return engine->get_local(id);
}

}  // namespace lamellar::detail

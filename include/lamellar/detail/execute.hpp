#pragma once
// Running active messages: from received bytes, and on the own PE.

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <lamellar/context.hpp>
#include <lamellar/detail/am_type.hpp>
#include <lamellar/detail/append.hpp>
#include <lamellar/serialize.hpp>
#include <lamellar/task.hpp>

namespace lamellar::detail {

template <class AM>
using ExecResult = decltype(std::declval<AM&>().exec(std::declval<Context&>()));

template <class T>
struct TaskValue {
  using type = T;
};
template <class T>
struct TaskValue<Task<T>> {
  using type = T;
};
// What a caller gets back from an AM.
template <class AM>
using AmResult = typename TaskValue<ExecResult<AM>>::type;
template <class AM>
inline constexpr bool am_is_coroutine = is_task<ExecResult<AM>>;

template <class T>
void encode_erased(const void* value, SpanWriter& to) {
  encode(*static_cast<const T*>(value), to);
}

// How a message is answered, if its sender waits for an answer.
struct Answer {
  engine::Engine& engine;
  const AmType& type;
  Pe source;
  bool wanted;
  RequestId request;

  void value() const {
    if (wanted) send(NoBody{}, nullptr, nullptr);
  }
  template <class R>
  void value(const R& result) const {
    if (wanted) send(result, &result, &encode_erased<R>);
  }
  void failure(std::exception_ptr error) const noexcept {
    if (wanted)
      reply_failure(engine, source, request, type, std::move(error));
    else
      detached_failure(engine, source, type.name, std::move(error));
  }

 private:
  // Not inlined: most messages that suspend, or are encoded, are detached.
  template <class Body>
  [[gnu::noinline]] void send(const Body& body, const void* result, EncodeFn encode) const {
    const CursorTable* const table = cursors_for(engine);
    if (table != nullptr && source < table->num_pes) [[likely]] {
      Cursor& cursor = table->cursors[table->num_pes + source];
      // What is kept in private memory for want of frames is the library's to bound.
      if (cursor.spill == nullptr && join_run<true>(cursor, kReplyRun, body, request)) return;
    }
    reply_value(engine, source, request, type, result, encode);
  }
};

// Executes and answers; what exec throws becomes the answer.
template <class AM>
void execute_plain(AM& am, Context& context, const Answer& answer) noexcept {
  try {
    if constexpr (std::is_void_v<AmResult<AM>>) {
      am.exec(context);
      answer.value();
    } else {
      const auto result = am.exec(context);
      answer.value(result);
    }
  } catch (...) {
    answer.failure(std::current_exception());
  }
}

// A task has ended: on_value(value), or on_value() when it has none, or on_error(what was thrown),
// by on_value too.
template <class T, class OnValue, class OnError>
void settle(TaskFrame<T> frame, OnValue&& on_value, OnError&& on_error) noexcept {
  std::exception_ptr error = std::move(frame.promise().error);
  if (!error) {
    try {
      if constexpr (std::is_void_v<T>)
        on_value();
      else
        on_value(*frame.promise().value);
      return;
    } catch (...) {
      error = std::current_exception();
    }
  }
  on_error(std::move(error));
}

// A message that may suspend lives in a cell of its own: it outlives the frame it came in.
template <class AM>
struct AmCell {
  AmCell(const Answer& to, const Ending& at_end)
      : context(to.engine, to.source), answer(to), ending(at_end) {}

  // Runs it until it suspends or ends. True: it has ended, nothing of it was counted. The cell is
  // not the caller's any more.
  static bool start(AmCell* cell) noexcept {
    ThreadState& thread = this_thread();
    void* const outer = std::exchange(thread.starting, cell);
    run_task(cell->frame, &end, cell);
    // Whoever has ended it on this thread, before it suspended, has said so.
    const bool ended = thread.starting == nullptr;
    thread.starting = outer;
    return ended;
  }
  static void end(void* owner) noexcept {
    auto* const cell = static_cast<AmCell*>(owner);
    cell->reply();
    cell->frame.destroy();
    engine::Engine& engine = cell->answer.engine;
    const Pe source = cell->answer.source;
    const Ending at_end = cell->ending;
    void*& starting = this_thread().starting;
    const bool at_once = starting == cell;
    slab_delete(cell);
    if (at_once)
      starting = nullptr;
    else
      deferred_done(engine, source, at_end);
  }
  void reply() noexcept {
    settle(
        frame,
        [this](const auto&... result) {
          answer.value(result...);
        },
        [this](std::exception_ptr error) { answer.failure(std::move(error)); });
  }

  Context context;
  const Answer answer;
  const Ending ending;
  TaskFrame<AmResult<AM>> frame;
  AM am{};
};

// One record: [RequestId] [length] body. False when the bytes are not that. Of messages that are
// encoded, or may suspend.
template <class AM>
[[gnu::always_inline]] inline bool execute_record(engine::Engine& engine, const AmType& type,
                                                  RunArgs& args, Context& context) noexcept {
  SpanReader reader(args.at, args.end);
  Answer answer{engine, type, args.source, args.request, {}};
  if (args.request && !reader.take_value(answer.request)) return false;
  std::uint32_t length = type.fixed;
  if (type.fixed == kVariableSize && !reader.take_value(length)) return false;
  const std::byte* const body = reader.take_view(length);
  if (body == nullptr) return false;
  const auto record = static_cast<std::uint64_t>(reader.at - args.at);
  args.at = reader.at;
  ++args.records;
  SpanReader fields(body, body + length);
  try {
    if constexpr (am_is_coroutine<AM>) {
      const std::uint64_t counted = args.counted ? record : 0;
      auto* cell = slab_new<AmCell<AM>>(answer, Ending{counted, args.owner, args.domain});
      try {
        decode_into(cell->am, fields);
        cell->frame = take_frame(cell->am.exec(cell->context));
      } catch (...) {
        slab_delete(cell);
        throw;
      }
      if (!AmCell<AM>::start(cell)) {
        args.deferred += counted;
        ++args.deferred_records;
      }
    } else {
      AM am{};
      decode_into(am, fields);
      execute_plain(am, context, answer);
    }
  } catch (...) {
    answer.failure(std::current_exception());
  }
  return true;
}

// `count` records of detached messages that are bytes and do not suspend.
template <class AM>
void run_records(engine::Engine& engine, const AmType& type, Pe source, Context& context,
                 const std::byte* at, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count;) {
    try {  // around the loop: exec is inlined into it
      while (i < count) {
        const std::byte* const record = at + i++ * sizeof(AM);
        AM am;
        std::memcpy(static_cast<void*>(&am), record, sizeof(AM));
        static_cast<void>(am.exec(context));
      }
    } catch (...) {
      detached_failure(engine, source, type.name, std::current_exception());
    }
  }
}

// The same of requests.
template <class AM>
void answer_records(engine::Engine& engine, const AmType& type, Pe source, Context& context,
                    const std::byte* at, std::size_t count) noexcept {
  Answer answer{engine, type, source, true, {}};
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(&answer.request, at, sizeof(RequestId));
    const std::byte* const body = at + sizeof(RequestId);
    at = body + sizeof(AM);
    try {
      AM am;
      std::memcpy(static_cast<void*>(&am), body, sizeof(AM));
      execute_plain(am, context, answer);
    } catch (...) {  // of its constructor
      answer.failure(std::current_exception());
    }
  }
}

// The loop over a run, compiled for its type: in place on the received bytes.
template <class AM>
void execute_run(engine::Engine& engine, const AmType& type, RunArgs& args) noexcept {
  Context context(engine, args.source);
  if constexpr (trivial_wire<AM> && !am_is_coroutine<AM>) {
    const std::size_t record = sizeof(AM) + (args.request ? sizeof(RequestId) : 0);
    const std::size_t there = static_cast<std::size_t>(args.end - args.at) / record;
    const std::size_t count = std::min<std::uint64_t>(there, args.most);
    if (args.request)
      answer_records<AM>(engine, type, args.source, context, args.at, count);
    else
      run_records<AM>(engine, type, args.source, context, args.at, count);
    args.at += count * record;
    args.records += static_cast<std::uint32_t>(count);
    args.broken = count == there && args.at != args.end;
  } else {
    for (std::uint64_t i = 0; i < args.most && args.at != args.end; ++i) {
      if (execute_record<AM>(engine, type, args, context)) continue;
      args.broken = true;
      return;
    }
  }
}

template <class AM>
consteval const char* name_of_am() {
  constexpr bool kDeclared = requires(const AM* am) { lamellar_am_name(am); };
  static_assert(kDeclared,
                "this type is no active message: write LAMELLAR_AM(Type, field...) behind it, in "
                "its namespace");
  if constexpr (kDeclared) return lamellar_am_name(static_cast<const AM*>(nullptr));
  return "";
}

// Copied as bytes anyway, and small.
template <class AM>
inline constexpr bool kSmallBytes = trivial_wire<AM> && sizeof(AM) <= 64;
// What runs at once besides costs least in frames, on the own PE too.
template <class AM>
inline constexpr bool kFramedHere = kSmallBytes<AM> && !am_is_coroutine<AM>;

template <class AM>
inline constinit AmType am_type{name_of_am<AM>(),
                                trivial_wire<AM> ? static_cast<std::uint32_t>(sizeof(AM))
                                                 : kVariableSize,
                                &execute_run<AM>, kFramedHere<AM>};

// A message to the own PE: moved into a job, never serialized. `state` is entrusted to it, or null
// when it is detached.
template <class AM>
struct LocalJob : Job {
  LocalJob(engine::Engine& on, AM&& moved, const char* shown, FutureState<AmResult<AM>>* answer)
      : Job(&start),
        engine(on),
        context(on, my_pe_of(on)),
        am(std::move(moved)),
        name(shown),
        state(answer) {}

  static void start(Job* job) noexcept {
    auto* me = static_cast<LocalJob*>(job);
    this_thread().inside.am = true;
    if constexpr (am_is_coroutine<AM>)
      me->run_coroutine();
    else
      me->run_plain();
  }
  void run_plain() noexcept {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<AmResult<AM>>) {
        am.exec(context);
        if (state != nullptr) state->emplace();
      } else {
        auto&& result = am.exec(context);
        if (state != nullptr) state->emplace(std::move(result));
      }
    } catch (...) {
      error = std::current_exception();
    }
    finish(std::move(error));
  }
  void run_coroutine() noexcept {
    try {
      frame = take_frame(am.exec(context));
    } catch (...) {
      return finish(std::current_exception());
    }
    run_task(frame, &end_coroutine, this);
  }
  static void end_coroutine(void* owner) noexcept {
    auto* const me = static_cast<LocalJob*>(owner);
    std::exception_ptr error;
    settle(
        me->frame,
        [me](auto&... result) {
          if (me->state != nullptr) me->state->emplace(std::move(result)...);
        },
        [&error](std::exception_ptr thrown) { error = std::move(thrown); });
    me->frame.destroy();
    me->finish(std::move(error));
  }
  void finish(std::exception_ptr error) noexcept {
    engine::Engine& on = engine;
    const char* const shown = name;
    FutureState<AmResult<AM>>* const answer = state;
    if (error && answer == nullptr) detached_failure(on, my_pe_of(on), shown, error);
    slab_delete(this);
    if (answer != nullptr) {
      if (error)
        answer->fail(as_remote_error(on, shown, std::move(error)));
      else
        answer->complete();
    }
    local_ended(on);
  }

  engine::Engine& engine;
  Context context;
  AM am;
  const char* name;
  FutureState<AmResult<AM>>* state;
  TaskFrame<AmResult<AM>> frame;  // when it is a coroutine
};

// A callable that nobody waits for.
template <class F>
struct PostedCall : Job {
  PostedCall(engine::Engine& on, F&& moved)
      : Job(&start), engine(on), call(std::move(moved)), in_am(this_thread().inside.am) {}
  static void start(Job* job) noexcept {
    auto* const me = static_cast<PostedCall*>(job);
    engine::Engine& on = me->engine;
    this_thread().inside.am = me->in_am;
    try {
      me->call();
    } catch (...) {
      detached_failure(on, my_pe_of(on), "World::post", std::current_exception());
    }
    slab_delete(me);
    local_ended(on);
  }
  engine::Engine& engine;
  F call;
  bool in_am;  // who posted it was: what it starts descends from that
};

template <class AM>
void start_local(engine::Engine& engine, AM&& am, const char* name,
                 FutureState<AmResult<AM>>* state, std::uint32_t thread = kAnyThread) {
  local_began(engine);
  auto* const job = slab_new<LocalJob<AM>>(engine, std::move(am), name, state);
  if (state != nullptr) state->entrust();
  submit_to(engine, thread, *job);
}

}  // namespace lamellar::detail

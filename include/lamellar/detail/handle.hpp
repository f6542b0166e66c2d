#pragma once
// The one kind of handle: what an asynchronous call returns. Lazy; started by block(), spawn(),
// detach() or co_await.

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <lamellar/detail/cursor.hpp>
#include <lamellar/detail/execute.hpp>

namespace lamellar {

// Move-only. A handle that was never started is an error: the compiler warns ([[nodiscard]]), at
// run time a warning names the call's source line (LAMELLAR_STRICT=1: abort).
// THREADS: one at a time. LIFETIME: no longer than the world it came from (in launch: the PE
// function).
template <class Call>
class [[nodiscard("nothing runs until the handle is started: block, spawn, detach or co_await")]]
Handle {
 public:
  using Result = typename Call::Result;

  explicit Handle(Call&& call) : call_(std::move(call)) {}
  Handle(Handle&& other) noexcept(std::is_nothrow_move_constructible_v<Call>)
      : call_(std::move(other.call_)), started_(std::exchange(other.started_, true)) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (!started_) [[unlikely]]
      detail::handle_dropped(*call_.engine, Call::kName, call_.where);
  }

  // Starts and waits. BLOCKS: until done; this thread polls and runs tasks meanwhile. Inside a task
  // another thread stands in for it; co_await costs less there.
  // ERRORS: those of the call; DeadlockSuspected inside a task; WouldDeadlock (nothing is started
  // then) in the exec of a message that came in a frame (from another PE, or small and detached to
  // its own) before it first suspended, and for operations of the whole world inside every task
  // and exec.
  Result block(std::source_location where = std::source_location::current()) && {
    started_ = true;
    if constexpr (requires { Call::kCollective; })
      detail::refuse_inside_task({Call::kName, "co_await the handle"}, where);
    else
      detail::refuse_inside_handler({Call::kName, "co_await the handle"}, where);
    return call_.start().block(where);
  }
  // Starts; the result can be had later. Dropping the future detaches.
  Future<Result> spawn() && {
    started_ = true;
    return call_.start();
  }
  // Starts and forgets: no reply, no future. wait_all() still waits for it; a failure goes to the
  // world's error handler. BLOCKS: for credits, outside of tasks and handlers.
  void detach() && {
    started_ = true;
    call_.detach();
  }
  // Starts and suspends until done.
  auto operator co_await() && {
    started_ = true;
    return call_.start().wait_at(call_.where);
  }

 private:
  Call call_;
  bool started_ = false;
};

namespace detail {

// A PE number that remembers where the call was written.
struct At {
  At(Pe number, std::source_location at = std::source_location::current())  // NOLINT: implicit
      : pe(number), where(at) {}
  Pe pe;
  std::source_location where;
};

template <class AM, class... Args>
concept Emplaces = std::is_constructible_v<AM, Args...> &&
                   !(sizeof...(Args) == 1 &&
                     (std::is_same_v<std::remove_cvref_t<Args>, AM> && ...));

// Whether LAMELLAR_AM was written is asked later (name_of_am): exec may send its own type, and its
// body stands before the macro.
template <class AM>
concept ActiveMessage = requires(AM& message, Context& context) { message.exec(context); };

// The name of a type as the compiler writes it, for messages about types without LAMELLAR_AM.
template <class T>
struct TypeText {
  static constexpr std::string_view find() noexcept {
    const std::string_view all = __PRETTY_FUNCTION__;
    const std::size_t begin = all.find("T = ") + 4;
    return all.substr(begin, all.find_first_of(";]", begin) - begin);
  }
  static constexpr auto text = [] {
    std::array<char, find().size() + 1> copy{};
    for (std::size_t i = 0; i < find().size(); ++i) copy[i] = find()[i];
    return copy;
  }();
};
template <class AM>
constexpr const char* shown_name() noexcept {
  if constexpr (requires(const AM* am) { lamellar_am_name(am); })
    return lamellar_am_name(static_cast<const AM*>(nullptr));
  else
    return TypeText<AM>::text.data();
}

template <class R>
FutureState<R>* new_state(engine::Scheduler& scheduler, const char* what, Pe peer,
                          std::source_location where) {
  auto* state = slab_new<FutureState<R>>(scheduler);
  state->label = {what, "co_await it", peer, 0, where};
  return state;
}

// The reply of a request to one PE.
template <class R>
void arrive_one(FutureCore& core, std::uint32_t, SpanReader* value, std::exception_ptr error) {
  auto& state = static_cast<FutureState<R>&>(core);
  if (error) return state.fail(std::move(error));
  if constexpr (std::is_void_v<R>)
    state.emplace();
  else
    state.emplace(decode<R>(*value));
  state.complete();
}

// Appends a message while the frame that is open for `pe` has room and its run is of this type and
// kind; `id` stands in front of a request. False: nothing happened.
template <class AM, class... Id>
[[gnu::always_inline]] inline bool append_inline(engine::Engine& engine, Pe pe, const AM& am,
                                                 const Id&... id) {
  const CursorTable* const table = cursors_for(engine);
  if (table == nullptr || pe >= table->num_pes) [[unlikely]]
    return false;
  constexpr std::uintptr_t kKind = sizeof...(Id) == 0 ? kDetachedRun : kRequestRun;
  return join_run<!trivial_wire<AM>>(table->cursors[pe],
                                     reinterpret_cast<std::uintptr_t>(&am_type<AM>) | kKind, am,
                                     id...);
}

// Sends a request; `arrive` gets its answer, for `state`.
template <class AM>
void ask(engine::Engine& engine, Pe pe, const AM& am, FutureCore& state, ArriveFn arrive) {
  const RequestId id = open_request(engine, state, arrive);
  // Encoding piece by piece may throw, and then somebody has to answer.
  if constexpr (trivial_wire<AM>)
    if (append_inline(engine, pe, am, id)) [[likely]]
      return;
  append_request(engine, pe, am_type<AM>, &am, &encode_erased<AM>, id);
}

// What append_inline() has not appended. A small message comes as a copy: when its own address goes
// nowhere, it needs no memory on the way into the frame.
template <class AM>
[[gnu::noinline]] void detach_slowly(engine::Engine& engine, Pe pe,
                                     std::conditional_t<kSmallBytes<AM>, AM, AM&&> am) {
  if (append_detached(engine, pe, am_type<AM>, &am, &encode_erased<AM>)) return;
  check_running(engine);
  start_local<AM>(engine, std::move(am), am_type<AM>.name, nullptr);
}

template <class AM>
struct ToPe {
  using Result = AmResult<AM>;
  static constexpr const char* kName = "exec_am_pe";
  engine::Engine* engine;
  At to;
  AM am;
  std::source_location where = to.where;

  Future<Result> start() {
    const CursorTable* const table = cursors_for(*engine);
    const bool known = table != nullptr && to.pe < table->num_pes;
    if (!known) [[unlikely]]
      check_pe(*engine, to.pe, kName);
    StateRef<FutureState<Result>> state(
        new_state<Result>(known ? *table->scheduler : scheduler_of(*engine),
                          "the reply of an active message", to.pe, to.where));
    if (to.pe != (known ? table->my_pe : my_pe_of(*engine))) [[likely]] {
      ask(*engine, to.pe, am, *state.get(), &arrive_one<Result>);
    } else {
      check_running(*engine);
      start_local(*engine, std::move(am), am_type<AM>.name, state.get());
    }
    return Future<Result>(std::move(state));
  }
  void detach() {
    if (append_inline(*engine, to.pe, am)) [[likely]]
      return;
    detach_slowly<AM>(*engine, to.pe, std::move(am));
  }
};

template <class AM>
using AllResult = std::conditional_t<std::is_void_v<AmResult<AM>>, void, std::vector<AmResult<AM>>>;

// The replies of a message to all PEs: done when the last one came; the failure of the lowest PE
// is the failure of the whole.
template <class R>
struct AllState : FutureState<std::conditional_t<std::is_void_v<R>, void, std::vector<R>>> {
  using Base = FutureState<std::conditional_t<std::is_void_v<R>, void, std::vector<R>>>;
  using One = typename FutureState<R>::Stored;

  AllState(engine::Scheduler& home, Pe num_pes) : Base(home), parts(num_pes), left(num_pes) {
    this->set_destroy(&destroy_all);
  }
  static void destroy_all(FutureCore* core) noexcept { slab_delete(static_cast<AllState*>(core)); }

  static void arrive(FutureCore& core, std::uint32_t pe, SpanReader* value,
                     std::exception_ptr error) {
    auto& state = static_cast<AllState&>(core);
    if (!error) {
      try {
        if constexpr (!std::is_void_v<R>) state.parts[pe].value.emplace(decode<R>(*value));
      } catch (...) {
        error = std::current_exception();
      }
    }
    state.one_came(pe, std::move(error));
  }
  void one_came(Pe pe, std::exception_ptr error) noexcept {
    parts[pe].error = std::move(error);
    if (left.fetch_sub(1) != 1) return;  // acq_rel: the last one sees all parts
    const std::shared_ptr<engine::Group> of = std::move(group);
    finish();
    if (of != nullptr) group_ended(*of);
  }
  void finish() noexcept {
    for (auto& part : parts)
      if (part.error) return this->fail(std::move(part.error));
    if constexpr (std::is_void_v<R>) {
      this->emplace();
    } else {
      std::vector<R> values;
      values.reserve(parts.size());
      for (auto& part : parts) values.push_back(std::move(*part.value));
      this->emplace(std::move(values));
    }
    this->complete();
  }

  struct Part {
    std::optional<One> value;
    std::exception_ptr error;
  };
  std::vector<Part> parts;
  std::atomic<Pe> left;
  std::shared_ptr<engine::Group> group;  // in which all of it is one record, or null
};

template <class R>
Detached collect_local(Future<R> mine, AllState<R>* state, Pe pe) {
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<R>)
      co_await mine;
    else
      state->parts[pe].value.emplace(co_await mine);
  } catch (...) {
    error = std::current_exception();
  }
  state->one_came(pe, std::move(error));
  state->release();
}

// `group` may be null.
template <class AM>
Future<AllResult<AM>> start_on_all(engine::Engine& engine, AM&& am, std::source_location where,
                                   std::shared_ptr<engine::Group> group) {
  using One = AmResult<AM>;
  using State = AllState<One>;
  check_running(engine);
  const Pe me = my_pe_of(engine);
  const Pe num_pes = num_pes_of(engine);
  StateRef<State> state(slab_new<State>(scheduler_of(engine), num_pes));
  state->label = {"the replies of all PEs", "co_await it", ~Pe{0}, 0, where};
  if (group != nullptr) group_began(*group);
  state->group = std::move(group);
  if (num_pes > 1)
    send_request_to_all(engine, am_type<AM>, &am, &encode_erased<AM>, *state.get(),
                        &State::arrive);
  StateRef<FutureState<One>> own(
      new_state<One>(scheduler_of(engine), "exec_am_all", me, where));
  start_local(engine, std::move(am), am_type<AM>.name, own.get());
  state->retain();
  submit(scheduler_of(engine),
         *slab_new<StartJob>(
             collect_local(Future<One>(std::move(own)), state.get(), me).handle));
  state->retain();
  return Future<AllResult<AM>>(StateRef<FutureState<AllResult<AM>>>(state.get()));
}

template <class AM>
struct ToAll {
  using Result = AllResult<AM>;
  static constexpr const char* kName = "exec_am_all";
  engine::Engine* engine;
  AM am;
  std::source_location where;

  Future<Result> start() { return start_on_all(*engine, std::move(am), where, nullptr); }
  void detach() {
    check_running(*engine);
    const Pe num_pes = num_pes_of(*engine);
    if (num_pes == 2) {
      const Pe other = 1 - my_pe_of(*engine);
      if (!append_inline(*engine, other, am))
        append_detached(*engine, other, am_type<AM>, &am, &encode_erased<AM>);
    } else if (num_pes > 2) {
      append_detached_to_all(*engine, am_type<AM>, &am, &encode_erased<AM>, nullptr);
    }
    start_local<AM>(*engine, std::move(am), am_type<AM>.name, nullptr);
  }
};

template <class AM>
struct ToSelf {
  using Result = AmResult<AM>;
  static constexpr const char* kName = "exec_am_local";
  engine::Engine* engine;
  AM am;
  std::source_location where;
  std::uint32_t thread = kAnyThread;

  Future<Result> start() {
    check_running(*engine);
    StateRef<FutureState<Result>> state(
        new_state<Result>(scheduler_of(*engine), "a local active message", my_pe_of(*engine),
                          where));
    start_local(*engine, std::move(am), shown_name<AM>(), state.get(), thread);
    return Future<Result>(std::move(state));
  }
  void detach() {
    check_running(*engine);
    start_local<AM>(*engine, std::move(am), shown_name<AM>(), nullptr, thread);
  }
};

// The eager twins of what a world and a task group have: exec and spawn in one.
template <class Self>
class SpawnTwins {
 public:
  template <class AM>
  auto spawn_am_pe(At pe, AM&& am) const {
    return self().exec_am_pe(pe, std::forward<AM>(am)).spawn();
  }
  template <class AM, class... Args>
    requires Emplaces<AM, Args...>
  auto spawn_am_pe(At pe, Args&&... fields) const {
    return self().template exec_am_pe<AM>(pe, std::forward<Args>(fields)...).spawn();
  }
  template <class AM>
  auto spawn_am_all(AM&& am) const {
    return self().exec_am_all(std::forward<AM>(am)).spawn();
  }
  template <class AM>
  auto spawn_am_local(AM&& am) const {
    return self().exec_am_local(std::forward<AM>(am)).spawn();
  }

 private:
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

// An untyped asynchronous operation of the world: barrier, wait_all.
struct WorldCall {
  using Result = void;
  static constexpr const char* kName = "an asynchronous operation of the world";
  static constexpr bool kCollective = true;  // never waited for by blocking inside a task
  engine::Engine* engine;
  Future<void> (*begin)(engine::Engine& engine, std::source_location where);
  std::source_location where;

  Future<void> start() { return begin(*engine, where); }
  void detach() { auto started = start(); }
};

}  // namespace detail

template <class AM>
using AmHandle = Handle<detail::ToPe<AM>>;
template <class AM>
using MultiAmHandle = Handle<detail::ToAll<AM>>;
template <class AM>
using LocalAmHandle = Handle<detail::ToSelf<AM>>;
using WorldHandle = Handle<detail::WorldCall>;

}  // namespace lamellar

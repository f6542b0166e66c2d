#pragma once
// Coroutines: Task<T> is a lazy coroutine, Future<T> a result that is on its way.

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <lamellar/detail/any.hpp>
#include <lamellar/detail/future_core.hpp>
#include <lamellar/detail/sleep.hpp>
#include <lamellar/error.hpp>

namespace lamellar {

template <class T>
class Task;
template <class R>
class Future;

namespace detail {

template <class T>
struct TaskPromise;
template <class T>
using TaskFrame = std::coroutine_handle<TaskPromise<T>>;
template <class T>
TaskFrame<T> take_frame(Task<T>&& task) noexcept;

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};
template <class R>
FutureCore* core_of(Future<R>& future) noexcept;

}  // namespace detail

// The result of something that was started. Move-only. Dropping it detaches: the work goes on, and
// a failure nobody saw goes to the world's error handler.
// THREADS: one at a time; several futures of one world on any threads. LIFETIME: no longer than
// the world it came from. REQUIRES, for all but valid(): not empty; block() and co_await empty it.
template <class R>
class [[nodiscard]] Future {
 public:
  Future() = default;
  explicit Future(detail::StateRef<detail::FutureState<R>> state) noexcept
      : state_(std::move(state)) {}

  bool valid() const noexcept { return static_cast<bool>(state_); }
  // BLOCKS: never.
  bool ready() const noexcept { return state_->ready(); }
  // The result, once. BLOCKS: until it is there; this thread polls and runs tasks meanwhile. Inside
  // a task another thread stands in for it; co_await costs less there.
  // ERRORS: what the work threw (RemoteError for active messages); JobFailed; DeadlockSuspected
  // inside a task; WouldDeadlock in the exec of a message that came in a frame (from another PE, or
  // small and detached to its own) before it first suspended.
  R block(std::source_location where = std::source_location::current()) {
    state_->block(where);
    return std::exchange(state_, {})->take();
  }

  // co_await future: the same result and errors, suspending instead of blocking.
  class Awaiter {
   public:
    Awaiter(detail::StateRef<detail::FutureState<R>> state, std::source_location where) noexcept
        : state_(std::move(state)), where_(where) {}
    bool await_ready() const noexcept { return state_->ready(); }
    bool await_suspend(std::coroutine_handle<> self) {
      return awaiter_.suspend(*state_.get(), self, where_);
    }
    R await_resume() { return state_->take(); }

   private:
    detail::StateRef<detail::FutureState<R>> state_;
    std::source_location where_;
    detail::FutureAwaiter awaiter_;
  };
  Awaiter wait_at(std::source_location where) && { return Awaiter(std::move(state_), where); }
  Awaiter operator co_await() && { return Awaiter(std::move(state_), {}); }
  Awaiter operator co_await() & { return Awaiter(std::move(state_), {}); }

 private:
  template <class Of>
  friend detail::FutureCore* detail::core_of(Future<Of>& future) noexcept;
  detail::StateRef<detail::FutureState<R>> state_;
};

namespace detail {

template <class R>
FutureCore* core_of(Future<R>& future) noexcept {
  return future.state_.get();
}

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;  // whoever awaits it
  // Where nobody does (run_task): called at the end, with its owner.
  void (*on_end)(void* owner) noexcept = nullptr;
  void* owner = nullptr;
  std::exception_ptr error;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const TaskPromiseBase& promise = self.promise();
      if (promise.on_end != nullptr) return promise.on_end(promise.owner);
      if (promise.continuation) hand_over(promise.continuation);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  static void* operator new(std::size_t size) { return slab_take(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { slab_give(frame, size); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

// A lazy coroutine: starts when it is awaited (or given to World::spawn). Move-only.
// LIFETIME: destroying a task destroys its frame, also while it is suspended; then what it waited
// for goes on without it. Parameters taken by reference, and the captures of a coroutine lambda,
// must outlive the task: take them by value.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Task task) noexcept : task_(std::move(task)) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> parent) noexcept {
      task_.handle_.promise().continuation = parent;
      detail::hand_over(task_.handle_);
    }
    T await_resume() { return task_.handle_.promise().take(); }

   private:
    Task task_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(*this)); }

 private:
  friend struct detail::TaskPromise<T>;
  template <class Of>
  friend detail::TaskFrame<Of> detail::take_frame(Task<Of>&& task) noexcept;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

// The frame of a task, which its new owner destroys.
template <class T>
TaskFrame<T> take_frame(Task<T>&& task) noexcept {
  return std::exchange(task.handle_, {});
}

// Runs a task that nobody awaits until it suspends or ends. At its end, on whatever thread that is,
// on_end(owner) is called, which may destroy the frame.
template <class T>
void run_task(TaskFrame<T> frame, void (*on_end)(void* owner) noexcept, void* owner) noexcept {
  frame.promise().on_end = on_end;
  frame.promise().owner = owner;
  trampoline(frame);
}

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

// A coroutine that owns itself: started by hand, freed when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size) { return slab_take(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
      slab_give(frame, size);
    }
  };
  std::coroutine_handle<promise_type> handle;
};

// Drives `task` and puts what comes out of it into `state`, which is entrusted to it.
// in_am: it was counted as a descendant of an active message.
template <class T>
Detached drive(Task<T> task, FutureState<T>* state, bool in_am = false) {
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      state->emplace();
    } else {
      state->emplace(co_await std::move(task));
    }
  } catch (...) {
    error = std::current_exception();
  }
  engine::Scheduler& home = state->home();
  if (error)
    state->fail(std::move(error));
  else
    state->complete();
  if (in_am) descendant_ended(home);
}

// First run of a coroutine on a worker.
struct StartJob : Job {
  explicit StartJob(std::coroutine_handle<> handle, bool descends = false) noexcept
      : Job(&start), first(handle), in_am(descends) {}
  static void start(Job* job) noexcept {
    const std::coroutine_handle<> first = static_cast<StartJob*>(job)->first;
    this_thread().inside.am = static_cast<StartJob*>(job)->in_am;
    slab_delete(static_cast<StartJob*>(job));
    trampoline(first);
  }
  std::coroutine_handle<> first;
  bool in_am;
};

template <class T>
Future<T> start_task(engine::Scheduler& home, Task<T> task,
                     Priority priority = Priority::kNormal) {
  auto* state = slab_new<FutureState<T>>(home);
  Future<T> future{StateRef<FutureState<T>>(state)};
  const bool in_am = this_thread().inside.am;
  auto* job = slab_new<StartJob>(drive(std::move(task), state, in_am).handle, in_am);
  state->entrust();
  if (in_am) descendant_began(home);
  submit(home, *job, priority);
  return future;
}

}  // namespace detail

namespace detail {

// void as a value, where one is needed.
template <class T>
using Regular = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// Awaits one of several; what it throws goes to `first` if that is empty.
template <class R>
Task<std::optional<Regular<R>>> collect(Future<R> future, std::exception_ptr& first) {
  std::optional<Regular<R>> value;
  try {
    if constexpr (std::is_void_v<R>) {
      co_await future;
      value.emplace();
    } else {
      value.emplace(co_await future);
    }
  } catch (...) {
    if (!first) first = std::current_exception();
  }
  co_return value;
}

LAMELLAR_API engine::Scheduler& scheduler_of_this_task();

}  // namespace detail

// Waits for all of them; values in the order given. The first failure (in that order) is thrown
// once all are done, so nothing is left running behind the caller's back.
template <class R>
Task<std::conditional_t<std::is_void_v<R>, void, std::vector<R>>> when_all(
    std::vector<Future<R>> futures) {
  std::exception_ptr first;
  if constexpr (std::is_void_v<R>) {
    for (auto& future : futures) co_await detail::collect(std::move(future), first);
    if (first) std::rethrow_exception(first);
  } else {
    std::vector<R> values;
    values.reserve(futures.size());
    for (auto& future : futures) {
      auto value = co_await detail::collect(std::move(future), first);
      if (value) values.push_back(std::move(*value));
    }
    if (first) std::rethrow_exception(first);
    co_return values;
  }
}

// The same for several types; void gives std::monostate.
template <class... Rs>
  requires(sizeof...(Rs) > 0)
Task<std::tuple<detail::Regular<Rs>...>> when_all(Future<Rs>... futures) {
  std::exception_ptr first;
  std::tuple<std::optional<detail::Regular<Rs>>...> values{
      co_await detail::collect(std::move(futures), first)...};
  if (first) std::rethrow_exception(first);
  co_return std::apply(
      [](auto&... value) { return std::tuple<detail::Regular<Rs>...>(std::move(*value)...); },
      values);
}

// Starts them all, each a task of its own that any worker may run, and waits for all.
// REQUIRES: to be awaited inside a task.
template <class... Ts>
  requires(sizeof...(Ts) > 0)
Task<std::tuple<detail::Regular<Ts>...>> when_all(Task<Ts>... tasks) {
  engine::Scheduler& home = detail::scheduler_of_this_task();
  auto all = when_all(detail::start_task(home, std::move(tasks))...);
  co_return co_await std::move(all);
}
template <class T>
Task<std::conditional_t<std::is_void_v<T>, void, std::vector<T>>> when_all(
    std::vector<Task<T>> tasks) {
  std::vector<Future<T>> futures;
  futures.reserve(tasks.size());
  for (auto& task : tasks)
    futures.push_back(detail::start_task(detail::scheduler_of_this_task(), std::move(task)));
  auto all = when_all(std::move(futures));
  co_return co_await std::move(all);
}

// Lets others run first: what was submitted before. co_await yield(); REQUIRES: inside a task.
[[nodiscard("co_await it")]] inline detail::YieldAwaiter yield() noexcept { return {}; }

// The clock of deadlines: monotonic; virtual inside a simulation.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept {
    return time_point(duration(static_cast<rep>(detail::clock_ns())));
  }
};

namespace detail {

inline std::uint64_t ns_of(Clock::time_point time) noexcept {
  const auto ns = time.time_since_epoch().count();
  return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
}
// Saturates: the longest durations mean for ever.
inline std::uint64_t ns_from_now(std::chrono::nanoseconds delay) noexcept {
  const std::uint64_t now = clock_ns();
  if (delay.count() <= 0) return now;
  const auto ns = static_cast<std::uint64_t>(delay.count());
  return ns < (std::uint64_t{1} << 62) ? now + ns : ~std::uint64_t{0} - 2;
}

}  // namespace detail

// Suspends for a time at least; other tasks run meanwhile. ERRORS: WorldEnded when the world ends
// first. REQUIRES: inside a task. Times are kept to some 0.1 ms, later when all workers compute.
[[nodiscard("co_await it")]] inline detail::SleepAwaiter sleep_for(
    std::chrono::nanoseconds delay,
    std::source_location where = std::source_location::current()) noexcept {
  return {detail::ns_from_now(delay), where};
}
[[nodiscard("co_await it")]] inline detail::SleepAwaiter sleep_until(
    Clock::time_point time,
    std::source_location where = std::source_location::current()) noexcept {
  return {detail::ns_of(time), where};
}

// The same, until `token` is stopped. ERRORS: Cancelled, promptly.
LAMELLAR_API Task<void> sleep_for(std::chrono::nanoseconds delay, std::stop_token token,
                                  std::source_location where = std::source_location::current());

// Index of one that is done, once there is one: the first of them in the order given when several
// are. All stay as they are: co_await the one that is done, go on waiting for others.
// co_await when_any(futures). LIFETIME: the futures outlive the wait. Nobody else may await them
// meanwhile. REQUIRES: not empty.
template <class R>
[[nodiscard("co_await it")]] detail::AnyAwaiter when_any(
    std::vector<Future<R>>& futures,
    std::source_location where = std::source_location::current()) {
  std::vector<detail::FutureCore*> cores;
  cores.reserve(futures.size());
  for (auto& future : futures) cores.push_back(detail::core_of(future));
  return {std::move(cores), detail::kNever, {}, where};
}
template <class... Rs>
  requires(sizeof...(Rs) > 0)
[[nodiscard("co_await it")]] detail::AnyAwaiter when_any(Future<Rs>&... futures) {
  return {std::vector<detail::FutureCore*>{detail::core_of(futures)...}, detail::kNever, {}, {}};
}

namespace detail {

// How a limited wait for one future ended, when not with the future.
LAMELLAR_API void check_any(std::size_t outcome, std::source_location where);

template <class R>
Task<R> wait_limited(Future<R> future, std::uint64_t deadline_ns, std::stop_token token,
                     std::source_location where) {
  std::vector<FutureCore*> cores(1, core_of(future));
  const std::size_t outcome =
      co_await AnyAwaiter(std::move(cores), deadline_ns, std::move(token), where);
  check_any(outcome, where);
  co_return co_await future;
}

}  // namespace detail

// The result of `future`, if it comes in time. ERRORS: TimedOut, then the work goes on detached;
// those of the work.
template <class R>
Task<R> with_timeout(Future<R> future, std::chrono::nanoseconds limit,
                     std::source_location where = std::source_location::current()) {
  return detail::wait_limited(std::move(future), detail::ns_from_now(limit), {}, where);
}

// The result of `future`, unless `token` is stopped first. ERRORS: Cancelled, promptly, then the
// work goes on detached; those of the work.
template <class R>
Task<R> with_stop(Future<R> future, std::stop_token token,
                  std::source_location where = std::source_location::current()) {
  return detail::wait_limited(std::move(future), detail::kNever, std::move(token), where);
}

// Until one of both. ERRORS: TimedOut, Cancelled; those of the work.
template <class R>
Task<R> with_timeout(Future<R> future, std::chrono::nanoseconds limit, std::stop_token token,
                     std::source_location where = std::source_location::current()) {
  return detail::wait_limited(std::move(future), detail::ns_from_now(limit), std::move(token),
                              where);
}

}  // namespace lamellar

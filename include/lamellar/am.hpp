#pragma once
// Active messages: define them with LAMELLAR_AM, send them through a World.
//
//   struct Hello {
//     std::string text; int from;
//     std::size_t exec(lamellar::Context& ctx) const { return ctx.my_pe(); }
//   };
//   LAMELLAR_AM(Hello, text, from);              // in the same namespace; every field listed
//
//   std::size_t r = world.exec_am_pe<Hello>(1, "text", 3).block();
//
// exec may be plain (runs in place on the worker that received it; it must not block) or a
// coroutine returning lamellar::Task<R> (may co_await any handle). Order between messages is not
// promised. The type is default constructible, and so is its result, which must be able to travel
// too.
// THREADS: several may run at once on the workers of a PE, and beside the code of its function:
// while that computes, another thread stands in for it, in worlds with one thread per PE too. Only
// with LAMELLAR_PROGRESS=poll and LAMELLAR_THREADS=1 all of a PE runs on one thread.

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <lamellar/context.hpp>
#include <lamellar/detail/handle.hpp>
#include <lamellar/error.hpp>
#include <lamellar/serialize.hpp>
#include <lamellar/task.hpp>

namespace lamellar {

class TaskGroup;

// What a PE's messages on their way have taken besides its frames: docs/guides/running.md, "Memory
// of messages". Numbers of different moments. UNITS: bytes, where nothing else is said.
struct BufferUse {
  std::uint64_t spilled = 0;          // what waits for credit
  std::uint64_t most_spilled = 0;     // the most that ever did
  std::uint64_t times_held_back = 0;  // how often that came above LAMELLAR_SPILL_SOFT
  std::uint64_t assembling = 0;       // arrived in pieces and not whole yet
  std::uint64_t most_assembling = 0;
  std::uint64_t uncounted = 0;        // records, sent or received so far, too large to be in these
};

// A PE's door to its job. A thin handle: copies share one world. THREADS: any.
// LIFETIME: calls on a world that has ended throw WorldEnded.
class LAMELLAR_API World : public detail::SpawnTwins<World> {
 public:
  Pe my_pe() const noexcept { return detail::my_pe_of(*engine_); }
  Pe num_pes() const noexcept { return detail::num_pes_of(*engine_); }
  // Threads that work for this PE, the one that waits included.
  std::uint32_t num_threads_per_pe() const noexcept;
  const std::string& name() const noexcept;

  // Runs `am` on PE `pe`. The second form builds the AM from its fields: inside a coroutine always
  // use that one (docs/guides/gcc12-and-co_await.md).
  template <class AM>
    requires detail::ActiveMessage<std::remove_cvref_t<AM>>
  AmHandle<std::remove_cvref_t<AM>> exec_am_pe(detail::At pe, AM&& am) const {
    using Am = std::remove_cvref_t<AM>;
    return AmHandle<Am>(detail::ToPe<Am>{engine_.get(), pe, Am(std::forward<AM>(am))});
  }
  template <class AM, class... Args>
    requires detail::ActiveMessage<AM> && detail::Emplaces<AM, Args...>
  AmHandle<AM> exec_am_pe(detail::At pe, Args&&... fields) const {
    return AmHandle<AM>(detail::ToPe<AM>{engine_.get(), pe, AM(std::forward<Args>(fields)...)});
  }

  // Runs `am` on every PE, this one included. The results come in PE order; the failure of the
  // lowest PE is the failure of the whole. It is encoded once, and PEs pass it on.
  template <class AM>
    requires detail::ActiveMessage<std::remove_cvref_t<AM>>
  MultiAmHandle<std::remove_cvref_t<AM>> exec_am_all(
      AM&& am, std::source_location where = std::source_location::current()) const {
    using Am = std::remove_cvref_t<AM>;
    return MultiAmHandle<Am>(detail::ToAll<Am>{engine_.get(), Am(std::forward<AM>(am)), where});
  }
  template <class AM, class... Args>
    requires detail::ActiveMessage<AM> && detail::Emplaces<AM, Args...>
  MultiAmHandle<AM> exec_am_all(Args&&... fields) const {
    return MultiAmHandle<AM>(
        detail::ToAll<AM>{engine_.get(), AM(std::forward<Args>(fields)...), {}});
  }

  // Runs `am` here. It may hold anything, is never serialized and needs no LAMELLAR_AM.
  template <class AM>
  LocalAmHandle<std::remove_cvref_t<AM>> exec_am_local(
      AM&& am, std::source_location where = std::source_location::current()) const {
    using Am = std::remove_cvref_t<AM>;
    return LocalAmHandle<Am>(
        detail::ToSelf<Am>{engine_.get(), Am(std::forward<AM>(am)), where});
  }

  // The same on thread `thread` of this PE: 0 is the thread that waits in the library (it runs
  // there once one does), 1 to num_threads_per_pe() - 1 are the workers. A coroutine begins there
  // and goes on anywhere. While a task blocks its worker, another thread stands in under that
  // number; while its thread computes, it waits. ERRORS: Error when there is no such thread.
  template <class AM>
  LocalAmHandle<std::remove_cvref_t<AM>> exec_am_local_thread(
      AM&& am, std::uint32_t thread,
      std::source_location where = std::source_location::current()) const {
    using Am = std::remove_cvref_t<AM>;
    detail::check_thread(*engine_, thread, "exec_am_local_thread");
    return LocalAmHandle<Am>(
        detail::ToSelf<Am>{engine_.get(), Am(std::forward<AM>(am)), where, thread});
  }

  // Starts a coroutine, or a callable on a worker; the future gives its result. Dropping the
  // future detaches it. wait_all() does not wait for spawned tasks.
  template <class T>
  Future<T> spawn(Task<T> task, Priority priority = Priority::kNormal) const {
    detail::check_running(*engine_);
    return detail::start_task(detail::scheduler_of(*engine_), std::move(task), priority);
  }
  template <class F>
    requires std::is_invocable_v<F&> && (!detail::is_task<std::invoke_result_t<F&>>)
  Future<std::invoke_result_t<F&>> spawn(F callable, Priority priority = Priority::kNormal) const {
    return spawn(call_later(std::move(callable)), priority);
  }
  // Runs `callable` on a worker and forgets it: the cheapest way to start something here.
  // wait_all() waits for it; what it throws goes to the world's error handler.
  // Where thousands wait already it runs before post() returns, or others do: hold no lock that
  // they take. BLOCKS: outside of tasks, for that back-pressure.
  template <class F>
    requires std::is_invocable_v<F&>
  void post(F callable, Priority priority = Priority::kNormal) const {
    static_assert(!detail::is_task<std::invoke_result_t<F&>>, "give a coroutine to spawn()");
    detail::check_running(*engine_);
    detail::post(*engine_, *detail::slab_new<detail::PostedCall<F>>(*engine_, std::move(callable)),
                 priority);
  }
  // Spawns and waits. BLOCKS, see Future::block(). ERRORS: those of the task.
  template <class T>
  T block_on(Task<T> task,
             std::source_location where = std::source_location::current()) const {
    detail::refuse_inside_handler({"block_on", "co_await the task"}, where);
    return spawn(std::move(task)).block(where);
  }

  // Waits until every AM this PE has launched (detached ones too) has run. Local: says nothing of
  // AMs launched by others. BLOCKS; inside a task or exec: WouldDeadlock, co_await
  // async_wait_all(). An AM that runs on its own PE counts too: it must not await this itself.
  void wait_all(std::source_location where = std::source_location::current()) const;
  WorldHandle async_wait_all(
      std::source_location where = std::source_location::current()) const;

  // Active messages that are waited for apart from all others: lamellar/task_group.hpp.
  TaskGroup task_group() const;

  // Collective: returns when every PE has called it. Every PE must make its barrier calls in the
  // same order. Says nothing of AMs under way. BLOCKS; inside a task: async_barrier().
  // After Hensgen, Finkel, Manber, Int. J. Parallel Programming 17 (1988): dissemination.
  void barrier(std::source_location where = std::source_location::current()) const;
  WorldHandle async_barrier(std::source_location where = std::source_location::current()) const;

  // Collective and global: returns when every AM of all PEs has run, and every task that descends
  // from one, that is, was spawned or posted while one ran, or by another such task; so do the AMs
  // that those have sent. On return everything that they wrote is visible. Tasks that PE functions
  // have spawned do not count, but the AMs they sent before do; while such tasks go on sending
  // without a pause this may not return. Every PE must make its calls of quiesce in the same order.
  // BLOCKS; inside a task: async_quiesce(). ERRORS: JobFailed; WouldDeadlock inside a task, and for
  // async_quiesce() where it is started by an AM or a task that counts.
  // After Mattern, Distributed Computing 2 (1987): two waves without news in between.
  void quiesce(std::source_location where = std::source_location::current()) const;
  WorldHandle async_quiesce(std::source_location where = std::source_location::current()) const;

  // Memory of this PE's messages. BLOCKS: never (a short lock).
  BufferUse buffer_use() const;

  // What the calling thread has appended leaves now; other threads' stays. BLOCKS: never.
  void flush() const;

  // Not for users: the untyped core, for the rooms of the library.
  explicit World(std::shared_ptr<engine::Engine> engine) noexcept : engine_(std::move(engine)) {}
  engine::Engine& engine() const noexcept { return *engine_; }

 private:
  template <class F>
  static Task<std::invoke_result_t<F&>> call_later(F callable) {
    co_return callable();
  }
  std::shared_ptr<engine::Engine> engine_;
};

namespace detail {
LAMELLAR_API World world_of(engine::Engine& engine);
}

inline World Context::world() const { return detail::world_of(*engine_); }

}  // namespace lamellar

// Makes Type an active message. Stands in Type's namespace, after it; lists every field.
#define LAMELLAR_AM(Type, ...)                                                              \
  LAMELLAR_FIELDS(Type __VA_OPT__(, ) __VA_ARGS__);                                         \
  [[maybe_unused]] constexpr const char* lamellar_am_name(const Type*) noexcept {           \
    return #Type;                                                                           \
  }                                                                                         \
  [[maybe_unused]] static const bool LAMELLAR_JOIN(lamellar_am_registered_, __COUNTER__) =  \
      ::lamellar::detail::register_am_type(::lamellar::detail::am_type<Type>)

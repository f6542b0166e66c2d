#pragma once
// Task groups: active messages and tasks that are waited for apart from all others.
//
//   lamellar::TaskGroup halo = world.task_group();
//   for (lamellar::Pe pe : neighbours) halo.exec_am_pe<Edge>(pe, edge_for(pe)).detach();
//   compute_the_inside();
//   halo.wait_all();                       // whatever else may be under way

#include <source_location>
#include <type_traits>
#include <utility>

#include <lamellar/am.hpp>
#include <lamellar/detail/group.hpp>

namespace lamellar {

// Launches as a World does, and waits for what was launched through it: on whichever PE it runs,
// until it has run, coroutines to their end. What messages of the group launch themselves is not of
// the group, unless they do it through a group of their own PE and wait for that. World::wait_all()
// covers all of it too (but for spawned tasks).
// Move-only; one that was moved from may only be destroyed or assigned to. Destroying it detaches
// what is under way; handles that were not started yet can still be.
// THREADS: any, all calls. LIFETIME: no longer than its world.
// ERRORS, BLOCKS: where not said, those of the same call of World.
class TaskGroup : public detail::SpawnTwins<TaskGroup> {
 public:
  explicit TaskGroup(const World& world)
      : engine_(&world.engine()), group_(detail::new_group(world.engine())) {}
  TaskGroup(TaskGroup&&) noexcept = default;
  TaskGroup& operator=(TaskGroup&&) noexcept = default;

  // Messages: see World.
  template <class AM>
    requires detail::ActiveMessage<std::remove_cvref_t<AM>>
  auto exec_am_pe(detail::At pe, AM&& am) const {
    using Am = std::remove_cvref_t<AM>;
    return Handle<detail::GroupToPe<Am>>({engine_, pe, Am(std::forward<AM>(am)), group_});
  }
  template <class AM, class... Args>
    requires detail::ActiveMessage<AM> && detail::Emplaces<AM, Args...>
  auto exec_am_pe(detail::At pe, Args&&... fields) const {
    return Handle<detail::GroupToPe<AM>>({engine_, pe, AM(std::forward<Args>(fields)...), group_});
  }
  template <class AM>
    requires detail::ActiveMessage<std::remove_cvref_t<AM>>
  auto exec_am_all(AM&& am,
                   std::source_location where = std::source_location::current()) const {
    using Am = std::remove_cvref_t<AM>;
    return Handle<detail::GroupToAll<Am>>({engine_, Am(std::forward<AM>(am)), group_, where});
  }
  template <class AM, class... Args>
    requires detail::ActiveMessage<AM> && detail::Emplaces<AM, Args...>
  auto exec_am_all(Args&&... fields) const {
    return Handle<detail::GroupToAll<AM>>(
        {engine_, AM(std::forward<Args>(fields)...), group_, {}});
  }
  template <class AM>
  auto exec_am_local(AM&& am,
                     std::source_location where = std::source_location::current()) const {
    using Am = std::remove_cvref_t<AM>;
    return Handle<detail::GroupToSelf<Am>>({engine_, Am(std::forward<AM>(am)), group_, where});
  }

  // Tasks and callables of this PE: see World. The group waits for both.
  template <class T>
  Future<T> spawn(Task<T> task, Priority priority = Priority::kNormal) const {
    detail::check_running(*engine_);
    return detail::start_task(detail::scheduler_of(*engine_),
                              in_group(std::move(task), detail::InGroup(group_)), priority);
  }
  template <class F>
    requires std::is_invocable_v<F&>
  void post(F callable, Priority priority = Priority::kNormal) const {
    static_assert(!detail::is_task<std::invoke_result_t<F&>>, "give a coroutine to spawn()");
    using Call = detail::GroupCall<F>;
    detail::check_running(*engine_);
    detail::post(*engine_,
                 *detail::slab_new<detail::PostedCall<Call>>(
                     *engine_, Call{std::move(callable), detail::InGroup(group_)}),
                 priority);
  }

  // Waits until all that was launched through this group has ended: whoever launched it, this
  // thread or another. BLOCKS; inside a task or exec: WouldDeadlock, co_await async_wait_all(). One
  // of the group must not await this itself.
  // ERRORS: JobFailed; failures of messages go where they go otherwise.
  void wait_all(std::source_location where = std::source_location::current()) const {
    async_wait_all(where).block(where);
  }
  Handle<detail::GroupWait> async_wait_all(
      std::source_location where = std::source_location::current()) const {
    return Handle<detail::GroupWait>({engine_, group_, where});
  }

 private:
  // Parameters live as long as the coroutine.
  template <class T>
  static Task<T> in_group(Task<T> task, detail::InGroup) {
    co_return co_await std::move(task);
  }

  engine::Engine* engine_;
  detail::GroupRef group_;
};

inline TaskGroup World::task_group() const { return TaskGroup(*this); }

}  // namespace lamellar

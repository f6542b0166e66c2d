#pragma once
// The calls of a task group: those of detail/handle.hpp, counted in the group.

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <lamellar/detail/handle.hpp>

namespace lamellar::detail {

using GroupRef = std::shared_ptr<engine::Group>;

// Something of a group is under way as long as this lives. Move-only.
class InGroup {
 public:
  explicit InGroup(GroupRef group) noexcept : group_(std::move(group)) { group_began(*group_); }
  InGroup(InGroup&&) noexcept = default;
  InGroup& operator=(InGroup&&) = delete;
  ~InGroup() {
    if (group_ != nullptr) group_ended(*group_);
  }

 private:
  GroupRef group_;
};

// A message to the own PE, a callable.
template <class AM>
struct GroupAm {
  AM am;
  InGroup under_way;
  decltype(auto) exec(Context& context) { return am.exec(context); }
};
template <class F>
struct GroupCall {
  F call;
  InGroup under_way;
  void operator()() { call(); }
};

template <class AM>
void start_in_group(engine::Engine& engine, AM&& am, const char* name,
                    FutureState<AmResult<AM>>* state, GroupRef group) {
  start_local(engine, GroupAm<AM>{std::move(am), InGroup(std::move(group))}, name, state);
}

// The reply of a request to one PE.
template <class R>
struct GroupState : FutureState<R> {
  GroupState(engine::Scheduler& home, GroupRef of) : FutureState<R>(home), group(std::move(of)) {
    this->set_destroy(&destroy_all);
  }
  static void destroy_all(FutureCore* core) noexcept {
    slab_delete(static_cast<GroupState*>(core));
  }
  static void arrive(FutureCore& core, std::uint32_t index, SpanReader* value,
                     std::exception_ptr error) {
    arrive_one<R>(core, index, value, std::move(error));  // which throws what decoding throws
    group_ended(*std::exchange(static_cast<GroupState&>(core).group, nullptr));
  }
  GroupRef group;
};

template <class AM>
struct GroupToPe {
  using Result = AmResult<AM>;
  static constexpr const char* kName = "TaskGroup::exec_am_pe";
  engine::Engine* engine;
  At to;
  AM am;
  GroupRef group;
  std::source_location where = to.where;

  Future<Result> start() {
    check_pe(*engine, to.pe, kName);
    if (to.pe == my_pe_of(*engine)) {
      StateRef<FutureState<Result>> state(new_state<Result>(*engine, kName, to.pe, to.where));
      state->retain();
      start_in_group(*engine, std::move(am), am_type<AM>.name, state.get(), std::move(group));
      return Future<Result>(std::move(state));
    }
    auto* const state = slab_new<GroupState<Result>>(scheduler_of(*engine), std::move(group));
    state->label = {"the reply of an active message", "co_await it", to.pe, 0, to.where};
    Future<Result> future{StateRef<FutureState<Result>>(state)};
    group_began(*state->group);
    send_request(*engine, to.pe, am_type<AM>, &am, &encode_erased<AM>, *state, 0,
                 &GroupState<Result>::arrive);
    return future;
  }
  void detach() {
    check_pe(*engine, to.pe, kName);
    if (to.pe == my_pe_of(*engine))
      start_in_group<AM>(*engine, std::move(am), am_type<AM>.name, nullptr, std::move(group));
    else
      append_to_group(*group, to.pe, am_type<AM>, &am, &encode_erased<AM>);
  }
};

template <class AM>
struct GroupToAll {
  using Result = AllResult<AM>;
  static constexpr const char* kName = "TaskGroup::exec_am_all";
  engine::Engine* engine;
  AM am;
  GroupRef group;
  std::source_location where;

  Future<Result> start() { return start_on_all(*engine, std::move(am), where, std::move(group)); }
  void detach() {
    append_detached_to_all(*engine, am_type<AM>, &am, &encode_erased<AM>, group.get());
    start_in_group<AM>(*engine, std::move(am), am_type<AM>.name, nullptr, std::move(group));
  }
};

template <class AM>
struct GroupToSelf {
  using Result = AmResult<AM>;
  static constexpr const char* kName = "TaskGroup::exec_am_local";
  engine::Engine* engine;
  AM am;
  GroupRef group;
  std::source_location where;

  Future<Result> start() {
    check_running(*engine);
    StateRef<FutureState<Result>> state(
        new_state<Result>(*engine, "a local active message", my_pe_of(*engine), where));
    state->retain();
    start_in_group(*engine, std::move(am), shown_name<AM>(), state.get(), std::move(group));
    return Future<Result>(std::move(state));
  }
  void detach() {
    check_running(*engine);
    start_in_group<AM>(*engine, std::move(am), shown_name<AM>(), nullptr, std::move(group));
  }
};

struct GroupWait {
  using Result = void;
  static constexpr const char* kName = "TaskGroup::async_wait_all";
  static constexpr bool kCollective = true;  // never waited for by blocking inside a task
  engine::Engine* engine;
  GroupRef group;
  std::source_location where;

  Future<void> start() { return group_wait(*group, where); }
  void detach() { auto started = start(); }
};

}  // namespace lamellar::detail

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
  friend constexpr const char* lamellar_am_name(const GroupAm*) noexcept {
    return shown_name<AM>();
  }
};
template <class F>
struct GroupCall {
  F call;
  InGroup under_way;
  void operator()() { call(); }
};

template <class AM>
ToSelf<GroupAm<AM>> to_self_in_group(engine::Engine& engine, AM&& am, GroupRef group,
                                     std::source_location where) {
  return {&engine, GroupAm<AM>{std::move(am), InGroup(std::move(group))}, where};
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
    auto& state = static_cast<GroupState&>(core);
    const GroupRef held = std::move(state.group);  // the state may be gone once it is completed
    try {
      arrive_one<R>(core, index, value, std::move(error));
    } catch (...) {
      state.group = held;  // it comes again, with what decoding has thrown
      throw;
    }
    group_ended(*held);
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
    if (to.pe == my_pe_of(*engine))
      return to_self_in_group(*engine, std::move(am), std::move(group), to.where).start();
    auto* const state = slab_new<GroupState<Result>>(scheduler_of(*engine), std::move(group));
    state->label = {"the reply of an active message", "co_await it", to.pe, 0, to.where};
    Future<Result> future{StateRef<FutureState<Result>>(state)};
    group_began(*state->group);
    ask(*engine, to.pe, am, *state, &GroupState<Result>::arrive);
    return future;
  }
  void detach() {
    check_pe(*engine, to.pe, kName);
    if (to.pe == my_pe_of(*engine))
      to_self_in_group(*engine, std::move(am), std::move(group), to.where).detach();
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
    to_self_in_group(*engine, std::move(am), std::move(group), where).detach();
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
    return to_self_in_group(*engine, std::move(am), std::move(group), where).start();
  }
  void detach() { to_self_in_group(*engine, std::move(am), std::move(group), where).detach(); }
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

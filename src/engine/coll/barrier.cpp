#include "engine/coll/barrier.hpp"

#include <bit>
#include <lamellar/am.hpp>

#include "base/core/assert.hpp"

namespace lamellar::engine {
namespace {

constexpr std::uint32_t kRoundBits = 8;

Barrier& barrier_of(Engine& engine) {
  LAMELLAR_CHECK(engine.control_hook() != nullptr, "a world without a barrier");
  return static_cast<Barrier&>(*engine.control_hook());
}

Task<void> without_value(Future<std::uint64_t> barrier) { co_await barrier; }

}  // namespace

Barrier::Barrier(Engine& engine)
    : engine_(engine), rounds_(static_cast<std::uint32_t>(std::bit_width(engine.num_pes() - 1))) {
  engine.set_control_hook(this);
}

Barrier::~Barrier() { engine_.set_control_hook(nullptr); }

Future<std::uint64_t> Barrier::begin(std::uint64_t value, std::source_location where) {
  engine_.check_running();
  auto* state = detail::slab_new<detail::FutureState<std::uint64_t>>(engine_.scheduler());
  state->retain();
  Future<std::uint64_t> future{detail::StateRef<detail::FutureState<std::uint64_t>>(state)};
  {
    base::Lock lock(mutex_);
    const std::uint64_t sequence = next_++;
    const Pe first_peer = (engine_.my_pe() + engine_.num_pes() - 1) % engine_.num_pes();
    state->label = {"barrier", "co_await world.async_barrier()", first_peer, sequence, where};
    Instance& instance = open_[sequence];
    instance.value |= value;
    instance.state = state;
    if (rounds_ != 0) send(sequence, instance);
    advance(sequence, instance);
  }
  // A failure of the job may have ended all waits just before this one was opened.
  if (engine_.failed()) {
    try {
      engine_.throw_failure();
    } catch (...) {
      fail_all(std::current_exception());
    }
  }
  engine_.sender().flush_this_thread();
  return future;
}

void Barrier::send(std::uint64_t sequence, const Instance& instance) {
  wire::ControlHead head;
  head.what = wire::Control::kBarrier;
  head.a = sequence << kRoundBits | instance.round;
  head.b = instance.value;
  const Pe to = static_cast<Pe>(
      (engine_.my_pe() + (std::uint64_t{1} << instance.round)) % engine_.num_pes());
  engine_.send_control(to, head);
}

void Barrier::advance(std::uint64_t sequence, Instance& instance) {
  while (instance.round < rounds_ && (instance.arrived >> instance.round & 1) != 0) {
    if (++instance.round < rounds_) send(sequence, instance);
  }
  if (instance.round < rounds_) return;
  auto* const state = instance.state;
  state->emplace(instance.value);
  open_.erase(sequence);
  state->complete();
  state->release();
}

void Barrier::on_control(Pe, const wire::ControlHead& head) noexcept {
  if (head.what != wire::Control::kBarrier) return;
  base::Lock lock(mutex_);
  const std::uint64_t sequence = head.a >> kRoundBits;
  Instance& instance = open_[sequence];
  instance.arrived |= std::uint64_t{1} << (head.a & ((1u << kRoundBits) - 1));
  instance.value |= head.b;
  if (instance.state != nullptr) advance(sequence, instance);
}

void Barrier::fail_all(const std::exception_ptr& error) noexcept {
  std::map<std::uint64_t, Instance> failing;
  {
    base::Lock lock(mutex_);
    failing.swap(open_);
  }
  for (auto& [sequence, instance] : failing) {
    if (instance.state == nullptr) continue;
    instance.state->fail(error);
    instance.state->release();
  }
}

}  // namespace lamellar::engine

namespace lamellar {

void World::barrier(std::source_location where) const {
  detail::refuse_inside_task({"barrier", "co_await world.async_barrier()"}, where);
  static_cast<void>(engine::barrier_of(*engine_).begin(0, where).block(where));
}

WorldHandle World::async_barrier(std::source_location where) const {
  return WorldHandle(detail::WorldCall{
      engine_.get(),
      [](engine::Engine& engine, std::source_location at) {
        return detail::start_task(
            engine.scheduler(), engine::without_value(engine::barrier_of(engine).begin(0, at)));
      },
      where});
}

}  // namespace lamellar

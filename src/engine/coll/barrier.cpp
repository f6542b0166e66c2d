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

Future<std::uint64_t> Barrier::begin(Channel channel, std::uint64_t value,
                                     std::source_location where) {
  engine_.check_running();
  auto* state = detail::slab_new<detail::FutureState<std::uint64_t>>(engine_.scheduler());
  state->retain();
  Future<std::uint64_t> future{detail::StateRef<detail::FutureState<std::uint64_t>>(state)};
  {
    base::Lock lock(mutex_);
    const std::uint64_t sequence = next_[static_cast<std::size_t>(channel)]++;
    const std::uint64_t key = sequence << 1 | static_cast<std::uint64_t>(channel);
    const Pe first_peer = (engine_.my_pe() + engine_.num_pes() - 1) % engine_.num_pes();
    const char* const what = channel == Channel::kUser ? "barrier" : "the end of all PEs, round";
    state->label = {what, "co_await world.async_barrier()", first_peer, sequence, where};
    Instance& instance = open_[key];
    instance.value |= value;
    instance.state = state;
    if (rounds_ != 0) send(key, instance);
    advance(key, instance);
  }
  // A failure of the job may have ended all waits just before this one was opened.
  if (engine_.failed()) {
    fail_all([this] { return engine_.failure(); });
  }
  engine_.sender().flush_this_thread();
  return future;
}

void Barrier::send(std::uint64_t key, const Instance& instance) {
  wire::ControlHead head;
  head.what = wire::Control::kBarrier;
  head.a = key << kRoundBits | instance.round;
  head.b = instance.value;
  const Pe to = static_cast<Pe>(
      (engine_.my_pe() + (std::uint64_t{1} << instance.round)) % engine_.num_pes());
  engine_.send_control(to, head);
}

void Barrier::advance(std::uint64_t key, Instance& instance) {
  while (instance.round < rounds_ && (instance.arrived >> instance.round & 1) != 0) {
    if (++instance.round < rounds_) send(key, instance);
  }
  if (instance.round < rounds_) return;
  // Who waits may end this PE, once nothing is kept back for want of credit (Engine::drain): what
  // was sent above must be there by then, and not in the hands of this thread.
  engine_.sender().flush_replies();
  auto* const state = instance.state;
  state->emplace(instance.value);
  open_.erase(key);
  state->complete();
  state->release();
}

const char* Barrier::on_control(Pe, const wire::ControlHead& head) noexcept {
  if (head.what != wire::Control::kBarrier) return "unknown kind of control record";
  const std::uint64_t key = head.a >> kRoundBits;
  const auto round = static_cast<std::uint32_t>(head.a & ((1u << kRoundBits) - 1));
  if (round >= rounds_) return "a barrier has no such round";
  base::Lock lock(mutex_);
  Instance& instance = open_[key];
  instance.arrived |= std::uint64_t{1} << round;
  instance.value |= head.b;
  if (instance.state != nullptr) advance(key, instance);
  return nullptr;
}

void Barrier::fail_all(const MakeError& make) noexcept {
  std::map<std::uint64_t, Instance> failing;
  {
    base::Lock lock(mutex_);
    failing.swap(open_);
  }
  for (auto& [key, instance] : failing) {
    if (instance.state == nullptr) continue;
    instance.state->fail(make());
    instance.state->release();
  }
}

}  // namespace lamellar::engine

namespace lamellar {
namespace {

constexpr auto kUser = engine::Barrier::Channel::kUser;

}  // namespace

void World::barrier(std::source_location where) const {
  detail::refuse_inside_task({"barrier", "co_await world.async_barrier()"}, where);
  static_cast<void>(engine::barrier_of(*engine_).begin(kUser, 0, where).block(where));
}

WorldHandle World::async_barrier(std::source_location where) const {
  return WorldHandle(detail::WorldCall{
      engine_.get(),
      [](engine::Engine& engine, std::source_location at) {
        return detail::start_task(
            engine.scheduler(),
            engine::without_value(engine::barrier_of(engine).begin(kUser, 0, at)));
      },
      where});
}

}  // namespace lamellar

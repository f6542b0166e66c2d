#include "engine/coll/barrier.hpp"

#include <bit>
#include <lamellar/am.hpp>

#include "base/core/assert.hpp"

namespace lamellar::engine {
namespace {

constexpr std::uint32_t kRoundBits = 8;

}  // namespace

Barrier& Barrier::of(Engine& engine) {
  LAMELLAR_CHECK(engine.control_hook() != nullptr, "a world without a barrier");
  return static_cast<Barrier&>(*engine.control_hook());
}

Barrier::Barrier(Engine& engine)
    : engine_(engine), rounds_(static_cast<std::uint32_t>(std::bit_width(engine.num_pes() - 1))) {
  engine.set_control_hook(this);
}

Barrier::~Barrier() { engine_.set_control_hook(nullptr); }

std::uint64_t Barrier::take_place(Channel channel) noexcept {
  return next_[static_cast<std::size_t>(channel)].fetch_add(1);
}

Future<std::uint64_t> Barrier::begin(Channel channel, std::uint64_t sequence,
                                     std::uint64_t value, const detail::WaitLabel& label) {
  engine_.check_running();
  auto* state = detail::slab_new<detail::FutureState<std::uint64_t>>(engine_.scheduler());
  Future<std::uint64_t> future{detail::StateRef<detail::FutureState<std::uint64_t>>(state)};
  {
    base::Lock lock(mutex_);
    Instance& instance = instance_of(sequence << 2 | static_cast<std::uint64_t>(channel));
    instance.value |= value;
    if (rounds_ != 0) send(instance);  // as early as possible: it takes longer than the rest
    state->label = label;
    state->label.peer = (engine_.my_pe() + engine_.num_pes() - 1) % engine_.num_pes();
    instance.state = state;
    state->entrust();
    advance(instance);
  }
  // A failure of the job may have ended all waits just before this one was opened.
  if (engine_.failed()) {
    fail_all([this] { return engine_.failure(); });
  }
  engine_.sender().flush_this_thread();
  return future;
}

Barrier::Instance& Barrier::instance_of(std::uint64_t key) {
  for (Instance& instance : open_)
    if (instance.key == key) return instance;
  open_.emplace_back().key = key;
  return open_.back();
}

void Barrier::send(const Instance& instance) {
  wire::ControlHead head;
  head.what = wire::Control::kBarrier;
  head.a = instance.key << kRoundBits | instance.round;
  head.b = instance.value;
  const Pe to = static_cast<Pe>(
      (engine_.my_pe() + (std::uint64_t{1} << instance.round)) % engine_.num_pes());
  engine_.send_control(to, head);
}

void Barrier::advance(Instance& instance) {
  while (instance.round < rounds_ && (instance.arrived >> instance.round & 1) != 0) {
    if (++instance.round < rounds_) send(instance);
  }
  if (instance.round < rounds_) return;
  // Who waits may end this PE, once nothing is kept back for want of credit (Engine::drain): what
  // was sent above must be there by then, and not in the hands of this thread.
  engine_.sender().flush_replies();
  auto* const state = instance.state;
  state->emplace(instance.value);
  instance = open_.back();
  open_.pop_back();
  state->complete();
}

const char* Barrier::on_control(Pe, const wire::ControlHead& head) noexcept {
  if (head.what != wire::Control::kBarrier) return "unknown kind of control record";
  const std::uint64_t key = head.a >> kRoundBits;
  const auto round = static_cast<std::uint32_t>(head.a & ((1u << kRoundBits) - 1));
  if (round >= rounds_) return "a barrier has no such round";
  base::Lock lock(mutex_);
  Instance& instance = instance_of(key);
  instance.arrived |= std::uint64_t{1} << round;
  instance.value |= head.b;
  if (instance.state != nullptr) advance(instance);
  return nullptr;
}

void Barrier::fail_all(const MakeError& make) noexcept {
  std::vector<Instance> failing;
  {
    base::Lock lock(mutex_);
    failing.swap(open_);
  }
  for (Instance& instance : failing)
    if (instance.state != nullptr) instance.state->fail(make());
}

}  // namespace lamellar::engine

namespace lamellar {
namespace {

Future<std::uint64_t> users_barrier(engine::Engine& engine, std::source_location where) {
  using engine::Barrier;
  constexpr auto kUser = Barrier::Channel::kUser;
  Barrier& barrier = Barrier::of(engine);
  const std::uint64_t place = barrier.take_place(kUser);
  return barrier.begin(kUser, place, 0,
                       {"barrier", "co_await world.async_barrier()", ~Pe{0}, place, where});
}

}  // namespace

void World::barrier(std::source_location where) const {
  detail::refuse_inside_task({"barrier", "co_await world.async_barrier()"}, where);
  static_cast<void>(users_barrier(*engine_, where).block(where));
}

WorldHandle World::async_barrier(std::source_location where) const {
  return WorldHandle(detail::WorldCall{
      engine_.get(),
      [](engine::Engine& engine, std::source_location at) {
        return detail::start_task(engine.scheduler(),
                                  engine::without_value(users_barrier(engine, at)));
      },
      where});
}

}  // namespace lamellar

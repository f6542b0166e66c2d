#include "world/world/runtime.hpp"

#include <cstring>
#include <lamellar/error.hpp>
#include <span>
#include <string_view>

#include "base/clock/thread.hpp"
#include "base/log/log.hpp"
#include "engine/coll/quiesce.hpp"
#include "engine/sched/executors.hpp"
#include "world/world/limits.hpp"
#include "world/world/network.hpp"
#include "world/world/place.hpp"

namespace lamellar::world {
namespace {

using base::Key;

engine::EngineOptions options_from(const base::Settings& settings, const Place& place) {
  engine::EngineOptions options;
  options.threads = place.threads;
  options.spins = place.roomy;
  options.cpus = place.cpus;
  options.name = settings.text(Key::kWorldName);
  options.max_record = settings.u64(Key::kMaxAm);
  options.flush_ns = settings.u64(Key::kFlushUs) * 1000;
  options.warn_after_s = settings.f64(Key::kDeadlockWarningTimeout);
  options.strict = settings.flag(Key::kStrict);
  options.warn_dropped_handles = settings.flag(Key::kDroppedUnusedHandleWarning);
  return options;
}

// All PEs must know the same types under the same numbers.
void check_same_program(lamellae::Bootstrap& bootstrap, const engine::TypeSnapshot& types) {
  const std::uint64_t digest = types.digest();
  std::string mine(reinterpret_cast<const char*>(&digest), sizeof digest);
  mine += types.description();
  const auto all = bootstrap.allgather(mine);
  for (std::size_t pe = 1; pe < all.size(); ++pe) {
    if (all[pe].compare(0, sizeof digest, all[0], 0, sizeof digest) == 0) continue;
    const std::string why =
        "the PEs run different programs: PE 0 has active messages of " +
        all[0].substr(sizeof digest) + ", PE " + std::to_string(pe) + " of " +
        all[pe].substr(sizeof digest) + "; start the same binary on every PE";
    fail_together(bootstrap, 0, why);
  }
}

// What one PE cannot use, none can.
engine::SpillLimits limits_or_fail(lamellae::Bootstrap& bootstrap, const base::Settings& settings,
                                   const lamellae::Lamella& lamella) {
  try {
    return spill_limits(settings, lamella.pool_bytes(), lamella.num_pes());
  } catch (const ConfigError& error) {
    fail_together(bootstrap, 0, error.what());
  }
}

}  // namespace

Runtime::Runtime(engine::EngineOptions options, std::unique_ptr<lamellae::Bootstrap> bootstrap,
                 std::unique_ptr<lamellae::Lamella> lamella, engine::TypeSnapshot types)
    : bootstrap_(std::move(bootstrap)),
      engine_(std::move(options), std::move(lamella), std::move(types)),
      barrier_(engine_) {}

Runtime::~Runtime() { engine_.stop(); }

std::shared_ptr<Runtime> Runtime::start(const base::Settings& settings, bool launched,
                                        std::unique_ptr<lamellae::Bootstrap> bootstrap,
                                        std::unique_ptr<lamellae::Lamella> lamella,
                                        const Hooks& hooks) {
  engine::TypeSnapshot types = engine::TypeSnapshot::take();
  check_same_program(*bootstrap, types);
  const Place place = find_place(*bootstrap, settings, launched);
  engine::EngineOptions options = options_from(settings, place);
  options.spill = limits_or_fail(*bootstrap, settings, *lamella);
  options.on_error = hooks.on_error;
  options.executor = hooks.executor;
  options.stands_in = settings.text(Key::kProgress) == "helper";
  if (!options.executor) {
    const std::string name = settings.text(Key::kExecutor);
    options.executor = [name] { return engine::make_executor(name); };
    if (name == "single") options.stands_in = false;  // tasks and messages on the PE's own threads
  }
  auto runtime = std::make_shared<Runtime>(std::move(options), std::move(bootstrap),
                                           std::move(lamella), std::move(types));
  runtime->engine_.set_self(std::shared_ptr<engine::Engine>(runtime, &runtime->engine_));
  if (place.cpus.empty()) {
    runtime->engine_.start();
    return runtime;
  }
  {
    const base::PinNewThreads workers(std::span(place.cpus).subspan(1));
    runtime->engine_.start();
  }
  // Last: no other thread that this one has started inherits it, the helper least of all.
  runtime->binding_ = base::Binding(place.cpus[0]);
  if (!runtime->binding_.holds())
    LAMELLAR_LOG_DEBUG("the system does not let a thread keep to cpu {}", place.cpus[0]);
  return runtime;
}

void Runtime::finish() {
  const auto here = std::source_location::current();
  engine::begin_quiesce(engine_, engine::Barrier::Channel::kEnd, here).block(here);
  // The others may still need what this PE has to say in the last round.
  engine_.drain(here);
}

void Runtime::stop() noexcept {
  const bool failed = engine_.failed();
  engine_.stop();
  if (!failed) engine_.lamella().depart();
  binding_.release();
}

}  // namespace lamellar::world

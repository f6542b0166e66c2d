#include <lamellar/am.hpp>

#include "engine/am/engine.hpp"

namespace lamellar {

std::uint32_t World::num_threads_per_pe() const noexcept { return engine_->options().threads; }
const std::string& World::name() const noexcept { return engine_->options().name; }

void World::wait_all(std::source_location where) const { engine_->wait_all(where); }

WorldHandle World::async_wait_all(std::source_location where) const {
  return WorldHandle(detail::WorldCall{
      engine_.get(),
      [](engine::Engine& engine, std::source_location at) {
        auto quiet = engine.async_quiet(engine::Engine::Covers::kLaunched, engine::kWaitAll, at);
        return detail::start_task(engine.scheduler(), engine::without_value(std::move(quiet)));
      },
      where});
}

BufferUse World::buffer_use() const {
  const engine::Backlog& backlog = engine_->backlog();
  const engine::Assembly::Use pieces = engine_->receiver().assembly_use();
  return {backlog.held(),  backlog.most_held(), backlog.times_full(),
          pieces.held,     pieces.most_held,    backlog.uncounted() + pieces.uncounted};
}

void World::flush() const { engine_->sender().flush_this_thread(); }

World detail::world_of(engine::Engine& engine) { return World(engine.self()); }

}  // namespace lamellar

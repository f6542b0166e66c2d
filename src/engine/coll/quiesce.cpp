#include "engine/coll/quiesce.hpp"

#include <lamellar/am.hpp>
#include <lamellar/error.hpp>
#include <optional>
#include <string>

namespace lamellar::engine {
namespace {

constexpr const char* kInstead = "co_await world.async_quiesce()";

// Rounds: each PE waits until all that it launched has run, then all agree whether any of them has
// launched something since its round before. A round without such news is the last.
Task<void> rounds(Engine* engine, Barrier::Channel channel, std::uint64_t place,
                  std::source_location where) {
  std::optional<std::uint64_t> before;
  for (std::uint32_t round = 0;; ++round) {
    auto quiet = engine->async_quiet(Engine::Covers::kDescendants,
                                     "all its active messages and their tasks (quiesce)", where);
    const std::uint64_t launched = co_await quiet;
    // Only as many are under way at once that neither number may be cut off.
    const std::uint64_t sequence = (place & 0x3fffff) << 32 | round;
    auto all = Barrier::of(*engine).begin(
        channel, sequence, before == launched ? 0 : 1,
        {"the quiescence of all PEs (quiesce)", kInstead, ~Pe{0}, sequence, where});
    const std::uint64_t news = co_await all;
    if (news == 0) co_return;
    before = launched;
  }
}

}  // namespace

Future<void> begin_quiesce(Engine& engine, Barrier::Channel channel, std::source_location where) {
  engine.check_running();
  const std::uint64_t place = Barrier::of(engine).take_place(channel);
  auto end = detail::start_task(engine.scheduler(), rounds(&engine, channel, place, where));
  detail::core_of(end)->label = {"quiescence", kInstead, ~Pe{0}, place, where};
  return end;
}

}  // namespace lamellar::engine

namespace lamellar {

void World::quiesce(std::source_location where) const {
  detail::refuse_inside_task({"quiesce", engine::kInstead}, where);
  engine::begin_quiesce(*engine_, engine::Barrier::Channel::kQuiesce, where).block(where);
}

WorldHandle World::async_quiesce(std::source_location where) const {
  return WorldHandle(detail::WorldCall{
      engine_.get(),
      [](engine::Engine& engine, std::source_location at) {
        if (detail::this_thread().inside.am)
          throw WouldDeadlock(
              std::string("async_quiesce was started by an active message or a task descended "
                          "from one (") +
              at.file_name() + ":" + std::to_string(at.line()) +
              "), and would wait for that one to end; start it in the PE function or in a task "
              "that this one spawned");
        return engine::begin_quiesce(engine, engine::Barrier::Channel::kQuiesce, at);
      },
      where});
}

}  // namespace lamellar

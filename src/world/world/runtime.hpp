#pragma once
// One PE's world, put together: members in floor order, built downwards up, ended upwards down.
#include <exception>
#include <functional>
#include <memory>

#include <lamellar/am.hpp>

#include "base/config/settings.hpp"
#include "engine/am/engine.hpp"
#include "engine/coll/barrier.hpp"
#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "world/world/parts.hpp"

namespace lamellar::world {

class Runtime {
 public:
  // Collective over the bootstrap. ERRORS: LaunchError when the PEs run different programs.
  // BLOCKS: until all PEs are there.
  static std::shared_ptr<Runtime> start(const base::Settings& settings, std::uint32_t pes_here,
                                        std::unique_ptr<lamellae::Bootstrap> bootstrap,
                                        std::unique_ptr<lamellae::Lamella> lamella,
                                        const Hooks& hooks);
  Runtime(engine::EngineOptions options, std::unique_ptr<lamellae::Bootstrap> bootstrap,
          std::unique_ptr<lamellae::Lamella> lamella, engine::TypeSnapshot types);
  ~Runtime();

  engine::Engine& engine() noexcept { return engine_; }

  // Collective: until every AM of the job and its descendants have run.
  // Four-counter method (Mattern, Distributed Computing 2, 1987): a second round without any
  // activity since the first. BLOCKS. ERRORS: JobFailed.
  void finish();
  // The end of this PE, after finish() or a failure. BLOCKS: until what it sent has arrived, unless
  // the job has failed.
  void stop() noexcept;

 private:
  std::unique_ptr<lamellae::Bootstrap> bootstrap_;
  engine::Engine engine_;
  engine::Barrier barrier_;
};

}  // namespace lamellar::world

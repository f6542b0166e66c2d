#pragma once
// One PE's world, put together: members in floor order, built downwards up, ended upwards down.
#include <exception>
#include <functional>
#include <memory>

#include <lamellar/am.hpp>

#include "base/config/settings.hpp"
#include "base/topo/binding.hpp"
#include "engine/am/engine.hpp"
#include "engine/coll/barrier.hpp"
#include "lamellae/api/lamella.hpp"
#include "lamellae/bootstrap/bootstrap.hpp"
#include "world/world/parts.hpp"

namespace lamellar::world {

class Runtime {
 public:
  // Collective over the bootstrap. The calling thread, which the PE counts as its first, may be
  // bound to a cpu until stop(). ERRORS: LaunchError when the PEs run different programs, or where
  // LAMELLAR_BIND=core cannot be done. launched: see find_place(). BLOCKS: until all PEs are there.
  static std::shared_ptr<Runtime> start(const base::Settings& settings, bool launched,
                                        std::unique_ptr<lamellae::Bootstrap> bootstrap,
                                        std::unique_ptr<lamellae::Lamella> lamella,
                                        const Hooks& hooks);
  Runtime(engine::EngineOptions options, std::unique_ptr<lamellae::Bootstrap> bootstrap,
          std::unique_ptr<lamellae::Lamella> lamella, engine::TypeSnapshot types);
  ~Runtime();

  engine::Engine& engine() noexcept { return engine_; }

  // Collective: until every AM of the job and its descendants have run. BLOCKS. ERRORS: JobFailed.
  void finish();
  // The end of this PE, after finish() or a failure. BLOCKS: until what it sent has arrived, unless
  // the job has failed.
  void stop() noexcept;

 private:
  std::unique_ptr<lamellae::Bootstrap> bootstrap_;
  engine::Engine engine_;
  engine::Barrier barrier_;
  base::Binding binding_;  // of the thread that started it
};

}  // namespace lamellar::world

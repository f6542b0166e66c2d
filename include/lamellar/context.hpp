#pragma once

#include <lamellar/detail/engine_api.hpp>
#include <lamellar/export.hpp>
#include <lamellar/types.hpp>

namespace lamellar {

class World;

// What exec() gets to know: where it runs and who sent it.
// LIFETIME: as long as exec runs (a coroutine: until it ends).
class Context {
 public:
  Context(engine::Engine& engine, Pe source) noexcept : engine_(&engine), source_(source) {}

  Pe my_pe() const noexcept { return detail::my_pe_of(*engine_); }
  Pe num_pes() const noexcept { return detail::num_pes_of(*engine_); }
  // The PE that sent this message.
  Pe source_pe() const noexcept { return source_; }
  World world() const;

  engine::Engine& engine() const noexcept { return *engine_; }

 private:
  engine::Engine* engine_;
  Pe source_;
};

}  // namespace lamellar

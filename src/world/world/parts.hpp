#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include <lamellar/world.hpp>

#include "base/config/settings.hpp"

namespace lamellar {

namespace world {

// What the program brings along for the engine.
struct Hooks {
  std::function<void(std::exception_ptr)> on_error;
  std::function<std::unique_ptr<Executor>()> executor;
};

}  // namespace world

struct WorldBuilder::Parts {
  base::Overrides overrides;
  world::Hooks hooks;
  std::optional<UserBootstrap> bootstrap;

  const UserBootstrap* callbacks() const noexcept { return bootstrap ? &*bootstrap : nullptr; }
};

}  // namespace lamellar

#pragma once
#include <exception>
#include <functional>
#include <optional>

#include <lamellar/world.hpp>

#include "base/config/settings.hpp"

namespace lamellar {

struct WorldBuilder::Parts {
  base::Overrides overrides;
  std::function<void(std::exception_ptr)> on_error;
  std::optional<UserBootstrap> bootstrap;

  const UserBootstrap* callbacks() const noexcept { return bootstrap ? &*bootstrap : nullptr; }
};

}  // namespace lamellar

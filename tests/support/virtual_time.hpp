#pragma once
// Where it matters what comes first in time: it stands still while anybody works, so that a loaded
// machine changes nothing.

#include <cstdint>
#include <functional>

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

namespace lamellar::testing_support {

// Runs `body` in a simulated world of one PE.
inline void in_virtual_time(std::uint32_t threads, const std::function<void(World&)>& body) {
  EXPECT_EQ(0, WorldBuilder()
                   .force("BACKEND", "sim")
                   .force_num_pes(1)
                   .force_threads(threads)
                   .launch([&](World& world) {
                     body(world);
                     return 0;
                   }));
}

}  // namespace lamellar::testing_support

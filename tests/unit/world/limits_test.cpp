// What of LAMELLAR_BUFFER_LIMIT is for what, and what contradicts itself.
#include "world/world/limits.hpp"

#include <gtest/gtest.h>
#include <lamellar/error.hpp>

namespace lamellar::world {
namespace {

using base::Key;
constexpr std::uint64_t kMiB = 1 << 20;

base::Settings settings_with(std::initializer_list<std::pair<Key, const char*>> values) {
  base::Overrides overrides;
  for (const auto& [key, value] : values) overrides.force(key, value);
  return base::Settings::load(nullptr, overrides);
}
engine::SpillLimits limits_of(const base::Settings& settings, Pe num_pes = 2) {
  return spill_limits(settings, pool_bytes_of(settings), num_pes);
}
std::string refusal_of(const base::Settings& settings) {
  try {
    limits_of(settings);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was refused";
}
void expect_parts(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(std::string::npos, text.find(part)) << text;
}

TEST(Limits, DefaultsAreAQuarterAHalfAndASixteenth) {
  const engine::SpillLimits limits = limits_of(settings_with({}));
  EXPECT_EQ(16 * kMiB, limits.soft);
  EXPECT_EQ(32 * kMiB, limits.hard);
  EXPECT_EQ(4 * kMiB, limits.largest_counted);
  EXPECT_EQ(4 * kMiB, limits.largest_assembled);
}

TEST(Limits, LargerPoolsLeaveLess) {
  const engine::SpillLimits limits = limits_of(settings_with({{Key::kPoolFrames, "1024"}}));
  EXPECT_EQ(28 * kMiB, limits.hard);
  EXPECT_EQ(14 * kMiB, limits.soft);
}

// One record of each lane of every other PE fits into what pools and spill leave: 24 MiB.
TEST(Limits, WhatArrivesInPiecesFits) {
  EXPECT_EQ(4 * kMiB, limits_of(settings_with({}), 4).largest_assembled);
  EXPECT_EQ(24 * kMiB / 14, limits_of(settings_with({}), 8).largest_assembled);
  EXPECT_EQ(4 * kMiB, limits_of(settings_with({}), 1).largest_assembled);
}

TEST(Limits, WhatContradictsItselfIsRefusedWithTheNumbers) {
  expect_parts(refusal_of(settings_with({{Key::kPoolFrames, "4096"}})),
               {"LAMELLAR_BUFFER_LIMIT=67108864 is too small", "LAMELLAR_POOL_FRAMES=4096",
                "134217728", "raise LAMELLAR_BUFFER_LIMIT"});
  expect_parts(refusal_of(settings_with({{Key::kSpillHard, "60M"}})),
               {"LAMELLAR_SPILL_HARD 62914560", "together 75497472"});
  expect_parts(refusal_of(settings_with({{Key::kSpillSoft, "9M"}, {Key::kSpillHard, "8M"}})),
               {"LAMELLAR_SPILL_SOFT=9437184 is above LAMELLAR_SPILL_HARD=8388608"});
  expect_parts(refusal_of(settings_with({{Key::kSpillHard, "1K"}})),
               {"LAMELLAR_SPILL_HARD=1024 has no room for one frame",
                "LAMELLAR_FRAME_BYTES=32768"});
  EXPECT_EQ("nothing was refused",
            refusal_of(settings_with({{Key::kSpillSoft, "8M"}, {Key::kSpillHard, "8M"}})));
}

}  // namespace
}  // namespace lamellar::world

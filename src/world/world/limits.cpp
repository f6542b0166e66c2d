#include "world/world/limits.hpp"

#include <algorithm>
#include <lamellar/error.hpp>
#include <string>

namespace lamellar::world {

using base::Key;

namespace {

constexpr std::uint64_t kCountedShare = 16;  // of the limit: the largest record that counts

}  // namespace

std::uint64_t pool_bytes_of(const base::Settings& settings) {
  return settings.u64(Key::kPoolFrames) * settings.u64(Key::kFrameBytes);
}

engine::SpillLimits spill_limits(const base::Settings& settings, std::uint64_t pool_bytes,
                                 Pe num_pes) {
  const auto text = [](std::uint64_t bytes) { return std::to_string(bytes); };
  const std::uint64_t limit = settings.u64(Key::kBufferLimit);
  const std::uint64_t frame = settings.u64(Key::kFrameBytes);
  engine::SpillLimits limits;
  limits.largest_counted = limit / kCountedShare;
  const std::uint64_t besides = pool_bytes + limits.largest_counted;
  limits.hard = settings.u64(Key::kSpillHard);
  if (limits.hard == 0)
    limits.hard = std::max(frame, std::min(limit / 2, limit - std::min(limit, besides)));
  limits.soft = settings.u64(Key::kSpillSoft);
  if (limits.soft == 0) limits.soft = std::min(limit / 4, limits.hard / 2);

  if (limits.soft > limits.hard)
    throw ConfigError("LAMELLAR_SPILL_SOFT=" + text(limits.soft) +
                      " is above LAMELLAR_SPILL_HARD=" + text(limits.hard) +
                      " (bytes): lower the first or raise the second");
  if (limits.hard < frame)
    throw ConfigError("LAMELLAR_SPILL_HARD=" + text(limits.hard) +
                      " has no room for one frame (LAMELLAR_FRAME_BYTES=" + text(frame) +
                      "): raise the first or lower the second");
  if (besides + limits.hard > limit)
    throw ConfigError(
        "LAMELLAR_BUFFER_LIMIT=" + text(limit) + " is too small: frames (LAMELLAR_POOL_FRAMES=" +
        settings.text(Key::kPoolFrames) + " of LAMELLAR_FRAME_BYTES=" + text(frame) +
        ", and what a network needs) take " + text(pool_bytes) + " bytes, LAMELLAR_SPILL_HARD " +
        text(limits.hard) + ", one message in pieces " + text(limits.largest_counted) +
        ", together " + text(besides + limits.hard) +
        "; raise LAMELLAR_BUFFER_LIMIT, or lower one of the others");
  // One record a lane from every other PE fits into what is left.
  const std::uint64_t left = limit - pool_bytes - limits.hard;
  limits.largest_assembled =
      num_pes < 2 ? limits.largest_counted
                  : std::min(limits.largest_counted, left / (2 * (std::uint64_t{num_pes} - 1)));
  return limits;
}

}  // namespace lamellar::world

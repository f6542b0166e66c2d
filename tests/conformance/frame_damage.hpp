#pragma once
// Damage to the frames of the frame machinery.
#include <cstring>

#include "base/wire/wire.hpp"
#include "conformance/subject.hpp"

namespace lamellar::conformance {

// The header lies in front of the payload.
inline void damage_frame(lamellae::Lamella& sender, const lamellae::OpenFrame& frame,
                         Damage damage) {
  std::byte* const at = frame.payload - sizeof(wire::FrameHeader);
  wire::FrameHeader header;
  std::memcpy(&header, at, sizeof header);
  switch (damage) {
    case Damage::kMagic:
      header.magic ^= 1;
      break;
    case Damage::kVersion:
      ++header.version;
      break;
    case Damage::kNonce:
      header.job_nonce ^= 1;
      break;
    case Damage::kUnknownSource:
      header.source = sender.num_pes();
      break;
    case Damage::kOtherSource:
      header.source = (sender.my_pe() + 1) % sender.num_pes();
      break;
    case Damage::kLane:
      header.lane ^= 1;
      break;
    case Damage::kLength:
      frame.committed->store(frame.capacity + 1, std::memory_order_release);
      return;
  }
  std::memcpy(at, &header, sizeof header);
}

}  // namespace lamellar::conformance

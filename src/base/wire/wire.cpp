#include "base/wire/wire.hpp"

namespace lamellar::wire {

const char* fault_of(const FrameHeader& header, std::uint64_t job_nonce, std::uint32_t num_pes,
                     std::size_t capacity) noexcept {
  if (header.magic != kFrameMagic) return "wrong magic";
  if (header.version != kWireVersion) return "wrong version";
  if (header.job_nonce != job_nonce) return "of another job";
  if (header.source >= num_pes) return "unknown source PE";
  if (header.lane > 1) return "unknown lane";
  if (header.length > capacity) return "length beyond the frame";
  return nullptr;
}

}  // namespace lamellar::wire

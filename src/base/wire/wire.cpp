#include "base/wire/wire.hpp"

#include <atomic>

namespace lamellar::wire {

std::uint32_t open_run(const std::byte* payload, std::uint32_t header,
                       std::uint32_t committed) noexcept {
  for (;;) {
    auto* const run = reinterpret_cast<RunHeader*>(const_cast<std::byte*>(payload + header));
    const std::uint32_t bytes =
        std::atomic_ref<std::uint32_t>(run->bytes).load(std::memory_order_relaxed);
    const std::size_t next = align8(std::size_t{header} + sizeof(RunHeader) + bytes);
    if (bytes == 0 || next + sizeof(RunHeader) > committed) return header;
    header = static_cast<std::uint32_t>(next);
  }
}

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

#include "lamellae/ofi/arena.hpp"

#include <sys/mman.h>

#include <lamellar/error.hpp>
#include <string>

#include "base/wire/wire.hpp"

namespace lamellar::lamellae {

Arena::Arena(const ArenaShape& shape)
    : shape_(shape),
      bytes_((std::size_t{shape.frames} + shape.bounces) * shape.frame_bytes +
             std::size_t{shape.receives} * shape.receive_bytes +
             std::size_t{shape.notes} * sizeof(wire::MessageHead)) {
  void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw LaunchError("no memory for " + std::to_string(bytes_) +
                      " bytes of network buffers; LAMELLAR_POOL_FRAMES and LAMELLAR_FRAME_BYTES "
                      "make them smaller");
  base_ = static_cast<std::byte*>(memory);
}

Arena::~Arena() { munmap(base_, bytes_); }

std::byte* Arena::note(std::uint32_t i) const noexcept {
  return receive(shape_.receives) + std::size_t{i} * sizeof(wire::MessageHead);
}

}  // namespace lamellar::lamellae

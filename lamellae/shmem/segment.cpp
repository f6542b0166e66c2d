#include "lamellae/shmem/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <lamellar/error.hpp>
#include <string>

#include "base/log/log.hpp"
#include "lamellae/shmem/memory_room.hpp"

namespace lamellar::lamellae {
namespace {

// Left for everybody else when we grow.
constexpr std::uint64_t kReserve = 16u << 20;

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Segment Segment::create(std::size_t bytes) {
  Descriptor fd(memfd_create("lamellar", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) refuse_memory("a segment", bytes);
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) refuse_memory("a segment", bytes);
  // Nobody may make it smaller under the others' feet.
  static_cast<void>(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
  return map(std::move(fd), bytes);
}

Segment Segment::map(Descriptor fd, std::size_t bytes) {
  void* const base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) refuse_memory("mapping a segment", bytes);
  Segment segment;
  segment.fd_ = std::move(fd);
  segment.base_ = static_cast<std::byte*>(base);
  segment.bytes_ = bytes;
  return segment;
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)),
      base_(std::exchange(other.base_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(base_, other.base_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Segment::~Segment() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

bool Segment::commit(std::size_t offset, std::size_t bytes) const noexcept {
  try {
    const MemoryRoom room = memory_room();
    if (room.bytes < bytes + kReserve) {
      LAMELLAR_LOG_INFO("shared memory does not grow by {} bytes: {} leaves {}", bytes, room.limit,
                        room.bytes);
      return false;
    }
  } catch (...) {
    return false;
  }
  return fallocate(fd_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0;
}

}  // namespace lamellar::lamellae

#pragma once
// A piece of memory that several processes map: an anonymous memfd, so nothing is left anywhere
// when they are gone, however they end.
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lamellar::lamellae {

// A file descriptor that is closed.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

class Segment {
 public:
  Segment() = default;
  // A new one of `bytes`, sparse: memory is taken by commit().
  // ERRORS: LaunchError with the numbers.
  static Segment create(std::size_t bytes);
  // Another process' one. ERRORS: LaunchError.
  static Segment map(Descriptor fd, std::size_t bytes);
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  ~Segment();

  std::byte* base() const noexcept { return base_; }
  std::size_t bytes() const noexcept { return bytes_; }
  int fd() const noexcept { return fd_.get(); }
  // The descriptor is not needed any more once everybody has mapped it, except to commit.
  void close_descriptor() noexcept { fd_ = Descriptor(); }

  // Takes memory for [offset, offset + bytes) when there is room for it. False: there is not;
  // nothing was taken. THREADS: any.
  bool commit(std::size_t offset, std::size_t bytes) const noexcept;

 private:
  Descriptor fd_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace lamellar::lamellae

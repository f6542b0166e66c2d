#pragma once
// All memory that an endpoint reads and writes, in one piece, so that it is registered once.
#include <cstddef>
#include <cstdint>

namespace lamellar::lamellae {

struct ArenaShape {
  std::uint32_t frame_bytes = 0;  // of a frame, and of a bounce buffer; with the message's head
  std::uint32_t frames = 0;
  std::uint32_t bounces = 0;
  std::uint32_t notes = 0;  // messages without payload
  std::uint32_t receives = 0;
  std::uint32_t receive_bytes = 0;
};

class Arena {
 public:
  explicit Arena(const ArenaShape& shape);  // ERRORS: LaunchError when there is no memory
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* base() const noexcept { return base_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::byte* frame(std::uint32_t i) const noexcept {
    return base_ + std::size_t{i} * shape_.frame_bytes;
  }
  std::byte* bounce(std::uint32_t i) const noexcept { return frame(shape_.frames + i); }
  std::byte* receive(std::uint32_t i) const noexcept {
    return bounce(shape_.bounces) + std::size_t{i} * shape_.receive_bytes;
  }
  std::byte* note(std::uint32_t i) const noexcept;
  const ArenaShape& shape() const noexcept { return shape_; }

 private:
  const ArenaShape shape_;
  std::size_t bytes_ = 0;
  std::byte* base_ = nullptr;
};

}  // namespace lamellar::lamellae

#pragma once
// All randomness of the runtime. splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#include <cstdint>

namespace lamellar::base {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

// 64 bits nobody can guess (the kernel's); inside a simulation, drawn from its seed.
std::uint64_t random_u64();

}  // namespace lamellar::base

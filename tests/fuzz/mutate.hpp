#pragma once
// Inputs made of others, by a seed: the same seed, the same input.
#include <algorithm>

#include "base/clock/rng.hpp"
#include "fuzz/target.hpp"

namespace lamellar::fuzz {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : rng_(seed * 0x9e3779b97f4a7c15u + 1) {}

  // REQUIRES: pool not empty.
  Bytes make(const std::vector<Bytes>& pool) {
    Bytes bytes = pool[draw(pool.size())];
    for (std::size_t changes = 1 + draw(6); changes > 0; --changes) change(bytes, pool);
    return bytes;
  }

 private:
  static constexpr std::size_t kMostBytes = 8192;

  std::size_t draw(std::size_t below) { return static_cast<std::size_t>(rng_.next() % below); }

  void change(Bytes& bytes, const std::vector<Bytes>& pool) {
    if (bytes.empty()) return bytes.push_back(static_cast<std::uint8_t>(rng_.next()));
    const std::size_t at = draw(bytes.size());
    const auto place = bytes.begin() + static_cast<long>(at);
    const std::size_t length = 1 + draw(std::min<std::size_t>(bytes.size() - at, 64));
    switch (draw(8)) {
      case 0:
        *place ^= static_cast<std::uint8_t>(1u << draw(8));
        break;
      case 1:
        *place = static_cast<std::uint8_t>(rng_.next());
        break;
      case 2:
        put_number(bytes, at);
        break;
      case 3:
        bytes.erase(place, place + static_cast<long>(length));
        break;
      case 4: {  // once more, where it is
        const Bytes again(place, place + static_cast<long>(length));
        bytes.insert(place, again.begin(), again.end());
        break;
      }
      case 5: {  // from elsewhere
        const Bytes& other = pool[draw(pool.size())];
        if (other.empty()) break;
        const std::size_t from = draw(other.size());
        const std::size_t size = 1 + draw(other.size() - from);
        bytes.insert(place, other.begin() + static_cast<long>(from),
                     other.begin() + static_cast<long>(from + size));
        break;
      }
      case 6:
        bytes.resize(at);
        break;
      case 7: {  // all of another behind it
        const Bytes& other = pool[draw(pool.size())];
        bytes.insert(bytes.end(), other.begin(), other.end());
        break;
      }
    }
    if (bytes.size() > kMostBytes) bytes.resize(kMostBytes);
  }

  // Numbers at which something ends, in 1 to 8 bytes.
  void put_number(Bytes& bytes, std::size_t at) {
    static constexpr std::uint64_t kNumbers[] = {
        0, 1, 7, 8, 16, 63, 64, 127, 128, 255, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
        0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
    const std::uint64_t number = kNumbers[draw(std::size(kNumbers))] + draw(3) - 1;
    const std::size_t size = std::size_t{1} << draw(4);
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i)
      bytes[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
  }

  base::Rng rng_;
};

}  // namespace lamellar::fuzz

// Text from a fixed seed, for machines that have too little of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wordcount {

inline constexpr std::size_t kBlockBytes = 64 * 1024;
inline constexpr std::uint64_t kNumBlocks = 256;  // 16 MiB
inline constexpr std::uint64_t kTextSeed = 20240607;

// Block `index` of the text: exactly kBlockBytes bytes that end with a line end, so no word spans
// two blocks and any PE can make any of them. Half of the words come from the most frequent few
// hundred, as in real text. Integers only: the same bytes on every machine.
std::string make_text_block(std::uint64_t seed, std::uint64_t index);

}  // namespace wordcount

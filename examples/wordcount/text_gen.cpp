#include "text_gen.hpp"

namespace wordcount {
namespace {

// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::uint64_t below(std::uint64_t limit) { return next() % limit; }

 private:
  std::uint64_t state_;
};

// The word of rank `rank` is a function of rank and seed: consonants and vowels in turn, longer
// for rarer words.
void append_word(std::string& text, std::uint64_t seed, std::uint64_t rank) {
  constexpr char kConsonants[] = "bcdfghjklmnprstvwz";
  constexpr char kVowels[] = "aeiou";
  Random random(seed + rank * 0x632be59bd9b4e019U);
  std::size_t length = 2 + random.below(3);
  for (std::uint64_t r = rank; r > 4; r /= 4) length += random.below(2) + (r % 2);
  for (std::size_t i = 0; i < length; ++i) {
    text += i % 2 == 0 ? kConsonants[random.below(sizeof kConsonants - 1)]
                       : kVowels[random.below(sizeof kVowels - 1)];
  }
}

// Ranks 1..65535; all octaves [2^k, 2^(k+1)) are equally likely, which is Zipf's law in steps.
std::uint64_t draw_rank(Random& random) {
  const std::uint64_t octave = std::uint64_t{1} << random.below(16);
  return octave + random.below(octave);
}

}  // namespace

std::string make_text_block(std::uint64_t seed, std::uint64_t index) {
  constexpr std::size_t kLineBytes = 72;
  Random random(seed ^ (index + 1) * 0xd1342543de82ef95U);
  std::string text;
  text.reserve(kBlockBytes + kLineBytes);
  std::size_t line_start = 0;
  while (text.size() < kBlockBytes) {
    append_word(text, seed, draw_rank(random));
    if (random.below(12) == 0) text += random.below(3) == 0 ? '.' : ',';
    const bool line_full = text.size() - line_start >= kLineBytes;
    text += line_full ? '\n' : ' ';
    if (line_full) line_start = text.size();
  }
  text.resize(kBlockBytes);
  text.back() = '\n';
  return text;
}

}  // namespace wordcount

// What a word is, and the parser that finds words in bytes that come in chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wordcount {

// ASCII letters only, whatever the locale says.
constexpr bool is_letter(char byte) {
  const unsigned char lower = static_cast<unsigned char>(byte) | 0x20U;
  return lower >= 'a' && lower <= 'z';
}

constexpr std::size_t count_leading_letters(std::string_view bytes) {
  std::size_t n = 0;
  while (n < bytes.size() && is_letter(bytes[n])) ++n;
  return n;
}

// The same on every PE, so that all PEs agree on the owner of a word (FNV-1a, then splitmix64's
// finish, since FNV's high bits are weak for short words).
constexpr std::uint64_t hash_word(std::string_view word) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : word) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  h = (h ^ (h >> 30U)) * 0xbf58476d1ce4e5b9U;
  h = (h ^ (h >> 27U)) * 0x94d049bb133111ebU;
  return h ^ (h >> 31U);
}

constexpr std::uint32_t owner_of(std::string_view word, std::uint32_t num_pes) {
  return static_cast<std::uint32_t>(hash_word(word) % num_pes);
}

// Cuts bytes into words: maximal runs of ASCII letters, lower-cased. Feed it chunk after chunk: a
// word may span any number of them.
// THREADS: one at a time.
class WordParser {
 public:
  // Calls on_word(std::string_view) for every word that a byte of `bytes` ends. The view is good
  // until on_word returns. When on_word throws, the parser is good for nothing but destruction.
  template <class OnWord>
  void feed(std::string_view bytes, OnWord&& on_word) {
    while (!bytes.empty()) {
      const std::size_t letters = count_leading_letters(bytes);
      append_lower(bytes.substr(0, letters));
      bytes.remove_prefix(letters);
      if (bytes.empty()) return;
      finish(on_word);
      bytes.remove_prefix(1);
    }
  }

  // The end of the text: calls on_word for a word that is still open.
  template <class OnWord>
  void finish(OnWord&& on_word) {
    if (word_.empty()) return;
    on_word(std::string_view(word_));
    word_.clear();
    if (word_.capacity() > kKeptCapacity) word_.shrink_to_fit();
  }

  bool inside_word() const { return !word_.empty(); }

 private:
  static constexpr std::size_t kKeptCapacity = 64 * 1024;

  void append_lower(std::string_view letters) {
    const std::size_t old = word_.size();
    word_.append(letters);
    for (std::size_t i = old; i < word_.size(); ++i) {
      word_[i] = static_cast<char>(static_cast<unsigned char>(word_[i]) | 0x20U);
    }
  }

  std::string word_;
};

}  // namespace wordcount

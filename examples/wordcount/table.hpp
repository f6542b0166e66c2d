// The words that one PE owns, or has combined before it sends them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "words.hpp"

namespace wordcount {

struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return hash_word(word); }
};

using WordMap = std::unordered_map<std::string, std::uint64_t, WordHash, std::equal_to<>>;

inline void add_to(WordMap& map, std::string_view word, std::uint64_t count) {
  const auto at = map.find(word);
  if (at != map.end()) {
    at->second += count;
  } else {
    map.emplace(word, count);
  }
}

struct Entry {
  std::string word;
  std::uint64_t count = 0;
};

// The order of the output: by count, largest first, then by the word's bytes.
inline bool comes_before(const Entry& a, const Entry& b) {
  return a.count != b.count ? a.count > b.count : a.word < b.word;
}

struct TableTotals {
  std::uint64_t messages = 0;     // calls of add
  std::uint64_t occurrences = 0;  // sum of the counts
  std::uint64_t distinct = 0;
};

// The counts of the words one PE owns. First add(), from any number of threads; then sort(), once,
// when nothing is added any more; then page(), from any number of threads.
class WordTable {
 public:
  // THREADS: any. BLOCKS: for as long as another thread adds a word of the same shard.
  void add(std::string_view word, std::uint64_t count) {
    Shard& shard = shards_[(hash_word(word) >> 32U) % kNumShards];
    const std::lock_guard lock(shard.mutex);
    add_to(shard.words, word, count);
    ++shard.messages;
    shard.occurrences += count;
  }

  // Moves everything into the order of the output.
  // THREADS: alone.
  TableTotals sort() {
    TableTotals totals;
    for (Shard& shard : shards_) {
      totals.messages += shard.messages;
      totals.occurrences += shard.occurrences;
      while (!shard.words.empty()) {
        auto node = shard.words.extract(shard.words.begin());
        sorted_.push_back({std::move(node.key()), node.mapped()});
      }
    }
    std::sort(sorted_.begin(), sorted_.end(), comes_before);
    totals.distinct = sorted_.size();
    return totals;
  }

  // The sorted entries from number `first` on: as many as hold `max_bytes`, one at least; none at
  // the end.
  std::vector<Entry> page(std::uint64_t first, std::uint64_t max_bytes) const {
    std::vector<Entry> entries;
    std::uint64_t bytes = 0;
    for (std::uint64_t i = first; i < sorted_.size() && bytes < max_bytes; ++i) {
      entries.push_back(sorted_[i]);
      bytes += sizeof(Entry) + sorted_[i].word.size();
    }
    return entries;
  }

 private:
  static constexpr std::size_t kNumShards = 64;

  struct alignas(64) Shard {
    std::mutex mutex;
    WordMap words;
    std::uint64_t messages = 0;
    std::uint64_t occurrences = 0;
  };

  std::array<Shard, kNumShards> shards_;
  std::vector<Entry> sorted_;
};

// Combines the words of one PE before they are sent.
// THREADS: one at a time.
class Combiner {
 public:
  // True when the table has become large: time to flush.
  [[nodiscard]] bool add(std::string_view word) {
    const std::size_t before = words_.size();
    add_to(words_, word, 1);
    if (words_.size() != before) bytes_ += sizeof(WordMap::value_type) + word.size();
    return bytes_ >= kMostBytes;
  }

  // Calls send(word, count) for everything in it and empties it.
  template <class Send>
  void flush(Send&& send) {
    for (const auto& [word, count] : words_) send(word, count);
    words_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t kMostBytes = 8 * 1024 * 1024;

  WordMap words_;
  std::size_t bytes_ = 0;
};

}  // namespace wordcount

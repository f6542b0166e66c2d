// Everything the word count prints or writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "input.hpp"
#include "table.hpp"

namespace wordcount {

// What one PE did.
struct PeReport {
  std::uint64_t words = 0;           // read
  std::uint64_t text_bytes = 0;      // read, after inflating
  std::uint64_t sent = 0;            // messages
  std::uint64_t sent_to_others = 0;  // of these, to other PEs
  TableTotals owned;                 // what arrived
  std::vector<Failure> failures;
};

// "49.7 MB", "812 bytes".
std::string format_bytes(double bytes);

// A word or path for people: unprintable bytes as '?', a long text cut, with its length.
std::string shorten(const std::string& text, std::size_t most = 60);

// The file of --all.
class AllFile {
 public:
  // Makes sure that it can be written, and leaves what is in it: it may be part of the input.
  // ERRORS: std::runtime_error with one line for the user, as in all its functions.
  explicit AllFile(const std::string& path);

  void start();  // empties it
  void write(const Entry& entry);
  void close();

 private:
  [[noreturn]] void fail(int error) const;

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

// A line that rewrites itself, on a terminal only.
class Progress {
 public:
  Progress(bool wanted, std::uint64_t expected_bytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t words, std::uint64_t bytes);

 private:
  const bool on_;
  const double expected_bytes_;
  std::chrono::steady_clock::time_point last_{};
};

void print_top(const std::vector<Entry>& top);

// Whether sent = executed and words read = words counted, and, with one message per word, both are
// the same number.
[[nodiscard]] bool print_totals(const std::vector<PeReport>& reports, double seconds,
                                bool one_per_word);

// Names each path once; returns how many.
std::size_t print_failures(std::vector<Failure> failures);

}  // namespace wordcount

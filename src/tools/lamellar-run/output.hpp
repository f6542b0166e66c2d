#pragma once
// Lines of a PE, passed on with its number in front.
#include <stdexcept>
#include <string>

namespace lamellar::tools {

// Nobody takes the output any more, or the disk is full.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes all of it. BLOCKS: may. ERRORS: OutputError.
void write_all(int fd, const std::string& text);

class TaggedOutput {
 public:
  // Reads from `from`, which it closes at the end, and writes to `to`.
  TaggedOutput(int from, int to, std::string tag);
  ~TaggedOutput();
  TaggedOutput(const TaggedOutput&) = delete;
  TaggedOutput& operator=(const TaggedOutput&) = delete;

  int fd() const noexcept { return from_; }
  // Passes on what is there; false when there will never be more.
  // BLOCKS: as the reader of the output does. ERRORS: OutputError.
  bool pass_on();
  // Passes on what is left of a line without its end.
  void finish();

 private:
  void emit(bool rest);

  int from_;
  int to_;
  std::string tag_;
  std::string text_;
};

}  // namespace lamellar::tools

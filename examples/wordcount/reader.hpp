// Reads a piece of the input word by word.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string_view>

#include "input.hpp"

namespace wordcount {

// A piece that cannot be read; what() says why, without the path.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Reading {
  std::function<void(std::string_view word)> on_word;    // lower-cased; good until it returns
  std::function<void(std::uint64_t bytes)> on_progress;  // so many bytes of text further
};

// Calls reading.on_word for every word of the piece. Memory: some buffers of fixed size and the
// longest word.
// BLOCKS: on the file system.
// ERRORS: InputError when the file cannot be opened or read, has become shorter or is no longer a
// regular file, or is no whole .gz. No word of a broken .gz is reported: it is checked to its end
// first (and read a second time when its text is longer than 8 MiB). Of a plain file that fails in
// the middle, or a .gz changed between its two passes, the words before that were reported.
// What the callbacks throw passes through.
void read_piece(const Piece& piece, const Reading& reading);

}  // namespace wordcount

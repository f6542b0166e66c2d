// Which files are read, and which PE reads which part of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wordcount {

// A path that could not be read, and why.
struct Failure {
  std::string path;
  std::string why;
};

struct InputFile {
  std::string path;
  std::uint64_t bytes = 0;       // on disk, when listed
  std::uint64_t text_bytes = 0;  // equal to bytes; for .gz what its last four bytes claim
  bool gzip = false;             // by name
};

// The files in byte order of their paths (a file named twice is in it twice), and what could not
// be listed.
struct Listing {
  std::vector<InputFile> files;
  std::vector<Failure> failures;

  std::uint64_t text_bytes() const;
};

enum class PieceKind : std::uint8_t { kPlain, kGzip, kGenerated };

// A part of the input that one PE reads. Plain: the words whose first letter lies in bytes
// [begin, end) of the file; so each word belongs to exactly one piece, whole. Gzip: the whole
// file. Generated: blocks [begin, end) of the generated text.
struct Piece {
  PieceKind kind = PieceKind::kPlain;
  std::string path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t text_bytes = 0;  // expected, for the progress line
};

using Share = std::vector<Piece>;

// Regular files among `paths` and below the folders among them. Symbolic links are never followed:
// below a folder they and other special files are passed over, named in `paths` they are a failure.
// ERRORS: in Listing::failures, none thrown.
Listing list_paths(const std::vector<std::string>& paths);

// The files named `copyright` and `changelog*` below `root`; nothing when there is no `root`.
Listing list_docs(const std::string& root);

// One share per PE, of about equal text_bytes: each .gz goes to one PE, plain files are cut where
// needed. The same listing gives the same shares.
std::vector<Share> share_out(const std::vector<InputFile>& files, std::size_t num_pes);

// Blocks [0, num_blocks) of the generated text in one run per PE.
std::vector<Share> share_out_generated(std::uint64_t num_blocks, std::size_t num_pes);

}  // namespace wordcount

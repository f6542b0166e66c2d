#include "reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "text_gen.hpp"
#include "words.hpp"

namespace wordcount {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::size_t kKeptTextBytes = 8 * 1024 * 1024;

[[noreturn]] void fail_with(int error) {
  throw InputError(std::generic_category().message(error));
}

// A file descriptor that closes itself.
class File {
 public:
  // ERRORS: InputError, also when the path has become a link, a folder or a pipe.
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0) fail_with(errno);
    struct stat status {};
    const bool regular = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (regular) return;
    ::close(fd_);
    throw InputError("no longer a regular file");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  // Up to `size` bytes at `offset`; 0 at the end of the file.
  std::size_t read_at(std::uint64_t offset, char* to, std::size_t size) const {
    for (;;) {
      const ssize_t n = ::pread(fd_, to, size, static_cast<off_t>(offset));
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) fail_with(errno);
    }
  }

  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// The words of one byte range of a plain file.
class PlainReader {
 public:
  PlainReader(const Piece& piece, const Reading& reading)
      : piece_(piece), reading_(reading), file_(piece.path), buffer_(kChunkBytes) {}

  void read() {
    bool skipping = starts_inside_word();
    std::uint64_t at = piece_.begin;
    while (at < piece_.end) {
      const std::size_t wanted = std::min<std::uint64_t>(kChunkBytes, piece_.end - at);
      std::string_view chunk = next_chunk(at, wanted);
      if (chunk.empty()) throw InputError("has become shorter while it was read");
      at += chunk.size();
      if (skipping) chunk.remove_prefix(count_leading_letters(chunk));
      skipping = skipping && chunk.empty();
      parser_.feed(chunk, reading_.on_word);
      reading_.on_progress(chunk.size());
    }
    read_rest_of_word(at);
    parser_.finish(reading_.on_word);
  }

 private:
  // Then the word belongs to the piece before this one.
  bool starts_inside_word() {
    if (piece_.begin == 0) return false;
    const std::string_view before = next_chunk(piece_.begin - 1, 1);
    return !before.empty() && is_letter(before.front());
  }

  // A word begun in this piece is this piece's, however long.
  void read_rest_of_word(std::uint64_t at) {
    while (parser_.inside_word()) {
      const std::string_view chunk = next_chunk(at, kRestBytes);
      const std::size_t letters = count_leading_letters(chunk);
      parser_.feed(chunk.substr(0, letters), reading_.on_word);
      at += letters;
      if (letters == 0 || letters < chunk.size()) return;
    }
  }

  std::string_view next_chunk(std::uint64_t at, std::size_t size) {
    return {buffer_.data(), file_.read_at(at, buffer_.data(), size)};
  }

  static constexpr std::size_t kRestBytes = 4096;

  const Piece& piece_;
  const Reading& reading_;
  File file_;
  std::vector<char> buffer_;
  WordParser parser_;
};

// One pass over the text of a .gz file.
class GzipStream {
 public:
  explicit GzipStream(const std::string& path) : stream_(nullptr, &::gzclose_r) {
    File file(path);
    const int fd = file.release();
    stream_.reset(::gzdopen(fd, "rb"));
    if (!stream_) {
      ::close(fd);
      throw InputError("zlib cannot open it");
    }
    ::gzbuffer(stream_.get(), 64 * 1024);
    if (::gzdirect(stream_.get()) != 0) throw InputError("not in gzip format");
  }

  // The next bytes of the text, into `to`; 0 at the checked end. ERRORS: InputError.
  std::size_t read(char* to, std::size_t size) {
    const int n = ::gzread(stream_.get(), to, static_cast<unsigned>(size));
    int error = Z_OK;
    const char* why = ::gzerror(stream_.get(), &error);
    if (n < 0 || (error != Z_OK && error != Z_STREAM_END)) throw_error(error, why);
    return static_cast<std::size_t>(n);
  }

 private:
  [[noreturn]] static void throw_error(int error, const char* why) {
    if (error == Z_BUF_ERROR) throw InputError("the gzip file is cut off");
    if (error == Z_ERRNO) fail_with(errno);
    throw InputError(std::string("not a whole gzip file: ") + why);
  }

  std::unique_ptr<gzFile_s, int (*)(gzFile)> stream_;
};

// The words of a .gz file whose text is too long to keep: it was checked, now it is read again.
void read_gzip_again(const Piece& piece, const Reading& reading, std::vector<char>& buffer) {
  GzipStream stream(piece.path);
  WordParser parser;
  while (const std::size_t n = stream.read(buffer.data(), kChunkBytes)) {
    parser.feed({buffer.data(), n}, reading.on_word);
    reading.on_progress(n);
  }
  parser.finish(reading.on_word);
}

void read_gzip(const Piece& piece, const Reading& reading) {
  std::vector<char> buffer;
  std::size_t length = 0;  // of the whole text
  std::size_t kept = 0;    // bytes of the buffer in use; fewer than length when it is too long
  for (GzipStream stream(piece.path);;) {
    if (kept + kChunkBytes > kKeptTextBytes) kept = 0;
    buffer.resize(std::max(buffer.size(), kept + kChunkBytes));
    const std::size_t n = stream.read(buffer.data() + kept, kChunkBytes);
    if (n == 0) break;
    kept += n;
    length += n;
  }
  if (kept < length) return read_gzip_again(piece, reading, buffer);
  WordParser parser;
  for (std::size_t at = 0; at < kept; at += kChunkBytes) {
    const std::size_t n = std::min(kChunkBytes, kept - at);
    parser.feed({buffer.data() + at, n}, reading.on_word);
    reading.on_progress(n);
  }
  parser.finish(reading.on_word);
}

void make_generated(const Piece& piece, const Reading& reading) {
  WordParser parser;
  for (std::uint64_t block = piece.begin; block < piece.end; ++block) {
    const std::string text = make_text_block(kTextSeed, block);
    parser.feed(text, reading.on_word);
    reading.on_progress(text.size());
  }
}

}  // namespace

void read_piece(const Piece& piece, const Reading& reading) {
  switch (piece.kind) {
    case PieceKind::kPlain: return PlainReader(piece, reading).read();
    case PieceKind::kGzip: return read_gzip(piece, reading);
    case PieceKind::kGenerated: return make_generated(piece, reading);
  }
}

}  // namespace wordcount

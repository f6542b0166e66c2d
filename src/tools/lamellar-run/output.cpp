#include "tools/lamellar-run/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock/futex.hpp"

namespace lamellar::tools {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;  // longer ones are cut

}  // namespace

void write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      base::yield_thread();  // somebody made the terminal non-blocking
    } else if (errno != EINTR) {
      throw OutputError(std::string("cannot write the output of the PEs: ") +
                        std::strerror(errno));
    }
  }
}

TaggedOutput::TaggedOutput(int from, int to, std::string tag)
    : from_(from), to_(to), tag_(std::move(tag)) {
  fcntl(from_, F_SETFL, O_NONBLOCK);
}

TaggedOutput::~TaggedOutput() { close(from_); }

bool TaggedOutput::pass_on() {
  char bytes[1 << 16];
  const ssize_t size = read(from_, bytes, sizeof bytes);
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  text_.append(bytes, static_cast<std::size_t>(size));
  emit(size == 0 || text_.size() > kLongestLine);
  return size > 0;
}

void TaggedOutput::finish() {
  while (pass_on()) {
    if (errno == EAGAIN) break;
    errno = 0;
  }
  emit(true);
}

void TaggedOutput::emit(bool rest) {
  std::string lines;
  std::size_t begin = 0;
  for (std::size_t end = text_.find('\n'); end != std::string::npos;
       end = text_.find('\n', begin)) {
    lines += tag_;
    lines.append(text_, begin, end + 1 - begin);
    begin = end + 1;
  }
  if (rest && begin < text_.size()) {
    lines += tag_;
    lines.append(text_, begin);
    lines += '\n';
    begin = text_.size();
  }
  text_.erase(0, begin);
  write_all(to_, lines);
}

}  // namespace lamellar::tools

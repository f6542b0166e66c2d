#include "tools/lamellar-run/channel.hpp"

#include <unistd.h>

#include <cerrno>

#include "tools/lamellar-run/output.hpp"

namespace lamellar::tools {

using lamellae::WireLine;

namespace {

constexpr std::size_t kLongestLine = 16u << 20;  // an environment may be long

}  // namespace

std::string in_line(const std::vector<std::string>& texts) {
  std::string value;
  for (const std::string& text : texts) value += lamellae::to_text(text) + ',';
  return value;
}

std::vector<std::string> out_of_line(std::string_view value) {
  std::vector<std::string> texts;
  for (std::size_t end = value.find(','); end != value.npos; end = value.find(',')) {
    texts.push_back(lamellae::from_text(value.substr(0, end)).value_or(""));
    value.remove_prefix(end + 1);
  }
  return texts;
}

bool Channel::send(WireLine line, std::string_view bytes) {
  return send_text(line.add("bytes", bytes.size()).text().append(bytes));
}

bool Channel::send_text(const std::string& text) {
  try {
    write_all(to_, text);
    return true;
  } catch (const OutputError&) {
    return false;
  }
}

bool Channel::receive(const Take& take) {
  char bytes[1 << 16];
  const ssize_t size = read(from_, bytes, sizeof bytes);
  if (size <= 0) return size < 0 && (errno == EINTR || errno == EAGAIN);
  input_.append(bytes, static_cast<std::size_t>(size));
  std::size_t done = 0;
  for (;;) {
    const std::size_t end = input_.find('\n', done);
    if (end == std::string::npos) break;
    const WireLine line = WireLine::parse(std::string_view(input_).substr(done, end - done));
    const std::uint64_t follow = line.number("bytes").value_or(0);
    if (line.command().empty() || follow > kLongestLine) return false;
    if (input_.size() - end - 1 < follow) break;
    done = end + 1 + follow;
    take(line, input_.substr(end + 1, follow));
  }
  input_.erase(0, done);
  return input_.size() <= 2 * kLongestLine;
}

}  // namespace lamellar::tools

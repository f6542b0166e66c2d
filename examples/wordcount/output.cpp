#include "output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <stdexcept>
#include <system_error>

namespace wordcount {
namespace {

// Three digits and a decimal prefix: "3.21 M", "812".
std::string format_scaled(double number) {
  constexpr std::array<const char*, 5> kPrefixes{"", " k", " M", " G", " T"};
  std::size_t prefix = 0;
  for (; number >= 1000 && prefix + 1 < kPrefixes.size(); ++prefix) number /= 1000;
  const int decimals = prefix == 0 || number >= 100 ? 0 : number >= 10 ? 1 : 2;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f%s", decimals, number, kPrefixes[prefix]);
  return text.data();
}

PeReport sum_of(const std::vector<PeReport>& reports) {
  PeReport sum;
  for (const PeReport& report : reports) {
    sum.words += report.words;
    sum.text_bytes += report.text_bytes;
    sum.sent += report.sent;
    sum.sent_to_others += report.sent_to_others;
    sum.owned.messages += report.owned.messages;
    sum.owned.occurrences += report.owned.occurrences;
    sum.owned.distinct += report.owned.distinct;
  }
  return sum;
}

}  // namespace

std::string format_bytes(double bytes) {
  return format_scaled(bytes) + (bytes < 1000 ? " bytes" : "B");
}

std::string shorten(const std::string& text, std::size_t most) {
  std::string shown = text.substr(0, most);
  const auto unprintable = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; };
  std::replace_if(shown.begin(), shown.end(), unprintable, '?');
  if (text.size() > most) shown += "... (" + std::to_string(text.size()) + " bytes)";
  return shown;
}

AllFile::AllFile(const std::string& path) : path_(path), file_(nullptr, &std::fclose) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) fail(errno);
  file_.reset(::fdopen(fd, "w"));
  if (!file_) fail(errno);
}

void AllFile::start() {
  // A pipe or a terminal cannot be emptied and need not be.
  if (::ftruncate(::fileno(file_.get()), 0) != 0 && errno != EINVAL) fail(errno);
}

void AllFile::write(const Entry& entry) {
  const bool written =
      std::fprintf(file_.get(), "%" PRIu64 " ", entry.count) > 0 &&
      std::fwrite(entry.word.data(), 1, entry.word.size(), file_.get()) == entry.word.size() &&
      std::fputc('\n', file_.get()) != EOF;
  if (!written) fail(errno);
}

void AllFile::close() {
  if (std::fclose(file_.release()) != 0) fail(errno);
}

void AllFile::fail(int error) const {
  throw std::runtime_error("cannot write --all '" + path_ +
                           "': " + std::generic_category().message(error));
}

Progress::Progress(bool wanted, std::uint64_t expected_bytes)
    : on_(wanted && ::isatty(STDOUT_FILENO) != 0),
      expected_bytes_(static_cast<double>(std::max<std::uint64_t>(expected_bytes, 1))) {}

Progress::~Progress() {
  if (on_) std::printf("\r\033[K");
}

void Progress::show(std::uint64_t words, std::uint64_t bytes) {
  using namespace std::chrono_literals;
  if (!on_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < 200ms) return;
  last_ = now;
  const double percent = std::min(100.0, 100.0 * static_cast<double>(bytes) / expected_bytes_);
  std::printf("\r\033[KPE 0: %.0f %% of its share read, %" PRIu64 " words", percent, words);
  std::fflush(stdout);
}

void print_top(const std::vector<Entry>& top) {
  for (const Entry& entry : top) {
    std::printf("%12" PRIu64 "  %s\n", entry.count, shorten(entry.word).c_str());
  }
}

bool print_totals(const std::vector<PeReport>& reports, double seconds, bool one_per_word) {
  const PeReport sum = sum_of(reports);
  const auto per_second = [seconds](std::uint64_t n) {
    return static_cast<double>(n) / std::max(seconds, 1e-9);
  };
  const auto equal = [](bool is) { return is ? "=" : "!="; };
  const bool executed_all = sum.sent == sum.owned.messages;
  const bool counted_all = sum.words == sum.owned.occurrences;
  const bool each_sent = !one_per_word || sum.words == sum.owned.messages;
  std::printf("totals: sent %" PRIu64 " %s executed %" PRIu64, sum.sent, equal(executed_all),
              sum.owned.messages);
  if (one_per_word) std::printf(" %s words %" PRIu64, equal(each_sent), sum.words);
  if (!one_per_word || !counted_all) {
    std::printf("; words %" PRIu64 " %s counted %" PRIu64, sum.words, equal(counted_all),
                sum.owned.occurrences);
  }
  std::printf("; %" PRIu64 " different\n", sum.owned.distinct);
  std::printf("speed:  %s words/s, %s messages/s executed on other PEs, in %.2f s\n",
              format_scaled(per_second(sum.words)).c_str(),
              format_scaled(per_second(sum.sent_to_others)).c_str(), seconds);
  std::printf("text:  ");
  for (std::size_t pe = 0; pe < reports.size(); ++pe) {
    std::printf("%s PE %zu %s/s", pe == 0 ? "" : ",", pe,
                format_bytes(per_second(reports[pe].text_bytes)).c_str());
  }
  std::printf("\n");
  return executed_all && counted_all && each_sent;
}

std::size_t print_failures(std::vector<Failure> failures) {
  const auto by_path = [](const Failure& a, const Failure& b) { return a.path < b.path; };
  const auto same_path = [](const Failure& a, const Failure& b) { return a.path == b.path; };
  std::stable_sort(failures.begin(), failures.end(), by_path);
  failures.erase(std::unique(failures.begin(), failures.end(), same_path), failures.end());
  for (const Failure& failure : failures) {
    std::fprintf(stderr, "wordcount: skipped '%s': %s\n", shorten(failure.path, 4096).c_str(),
                 failure.why.c_str());
  }
  return failures.size();
}

}  // namespace wordcount

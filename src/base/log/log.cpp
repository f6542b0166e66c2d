#include "base/log/log.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <string>

#include "base/core/assert.hpp"

namespace lamellar::base {

namespace log_detail {
std::atomic<LogLevel> g_level{LogLevel::kWarn};
}

namespace {

std::atomic<LogSink> g_sink{nullptr};

constexpr const char* kLevelNames[] = {"error", "warn", "info", "debug", "trace"};

void write_to_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno != EINTR) {
      return;
    }
  }
}

std::string prefix_of(LogLevel level) {
  const int pe = current_pe_for_log();
  std::string prefix = pe < 0 ? "[lamellar] " : "[lamellar PE " + std::to_string(pe) + "] ";
  return prefix + log_level_name(level) + ": ";
}

std::string with_prefixes(LogLevel level, std::string_view text) {
  const std::string prefix = prefix_of(level);
  std::string out;
  out.reserve(prefix.size() + text.size() + 1);
  do {
    const std::size_t newline = text.find('\n');
    out += prefix;
    out += text.substr(0, newline);
    out += '\n';
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  } while (!text.empty());
  return out;
}

}  // namespace

const char* log_level_name(LogLevel level) noexcept {
  return kLevelNames[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> find_log_level(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (name == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return {};
}

LogLevel log_level() noexcept { return log_detail::g_level.load(std::memory_order_relaxed); }

void set_log_level(LogLevel level) noexcept {
  log_detail::g_level.store(level, std::memory_order_relaxed);
}

// acq_rel: what the caller prepared for its sink is there when the sink runs; pairs with the load
// in log_text.
LogSink set_log_sink(LogSink sink) noexcept {
  return g_sink.exchange(sink, std::memory_order_acq_rel);
}

void log_text(LogLevel level, std::string_view text) noexcept {
  try {
    const std::string out = with_prefixes(level, text);
    // acquire: pairs with set_log_sink.
    if (const LogSink sink = g_sink.load(std::memory_order_acquire)) {
      sink(level, out);
    } else {
      write_to_stderr(out);
    }
  } catch (...) {
    write_to_stderr("[lamellar] error: a message was lost, out of memory\n");
  }
}

void log_format(LogLevel level, fmt::string_view format, fmt::format_args args) noexcept {
  try {
    log_text(level, fmt::vformat(format, args));
  } catch (const std::exception& error) {
    log_text(level, error.what());
  }
}

}  // namespace lamellar::base

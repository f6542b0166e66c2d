#pragma once
// Messages of the library: "[lamellar PE 1] warn: text", one write(2) each.
// THREADS: everything here may be called on any thread. BLOCKS: only as write(2) to the sink does.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/core.h>

namespace lamellar::base {

enum class LogLevel : std::uint8_t { kError, kWarn, kInfo, kDebug, kTrace };

// "warn" for kWarn, and back.
const char* log_level_name(LogLevel level) noexcept;
std::optional<LogLevel> find_log_level(std::string_view name) noexcept;

// PROCESS-GLOBAL: the level and the sink. Initially kWarn and stderr.
LogLevel log_level() noexcept;
void set_log_level(LogLevel level) noexcept;

// Gets one message with its prefixes and newlines, ready to print. May be called on several threads
// at once.
using LogSink = void (*)(LogLevel level, std::string_view text);
// Null brings stderr back. Returns the sink before; null for stderr. A call of the old sink may
// still be under way on another thread when this returns.
LogSink set_log_sink(LogSink sink) noexcept;

namespace log_detail {
extern std::atomic<LogLevel> g_level;
}

// True when messages of this level are printed.
inline bool log_enabled(LogLevel level) noexcept {
  return level <= log_detail::g_level.load(std::memory_order_relaxed);
}

// Prints a message regardless of the level. Every line of text gets the prefix with the PE of
// current_pe_for_log(); what does not fit into memory is lost.
void log_text(LogLevel level, std::string_view text) noexcept;
void log_format(LogLevel level, fmt::string_view format, fmt::format_args args) noexcept;

// The checked door of the macros.
template <class... Args>
void log_message(LogLevel level, fmt::format_string<Args...> format, Args&&... args) noexcept {
  log_format(level, format, fmt::make_format_args(args...));
}

}  // namespace lamellar::base

// LAMELLAR_LOG_WARN("frame {} of {} bytes", id, size): the arguments are evaluated only when the
// level is enabled.
#define LAMELLAR_LOG_AT(level, ...)                                           \
  do {                                                                        \
    if (::lamellar::base::log_enabled(::lamellar::base::LogLevel::level))     \
      ::lamellar::base::log_message(::lamellar::base::LogLevel::level, __VA_ARGS__); \
  } while (false)
#define LAMELLAR_LOG_ERROR(...) LAMELLAR_LOG_AT(kError, __VA_ARGS__)
#define LAMELLAR_LOG_WARN(...) LAMELLAR_LOG_AT(kWarn, __VA_ARGS__)
#define LAMELLAR_LOG_INFO(...) LAMELLAR_LOG_AT(kInfo, __VA_ARGS__)
#define LAMELLAR_LOG_DEBUG(...) LAMELLAR_LOG_AT(kDebug, __VA_ARGS__)
#define LAMELLAR_LOG_TRACE(...) LAMELLAR_LOG_AT(kTrace, __VA_ARGS__)

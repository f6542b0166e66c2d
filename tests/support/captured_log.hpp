#pragma once
// Collects what the library logs while it lives. One at a time per process.
// THREADS: messages may come from any thread; make and destroy it when nothing logs.

#include <mutex>
#include <string>
#include <string_view>

#include "base/log/log.hpp"

namespace lamellar::testing_support {

class CapturedLog {
 public:
  explicit CapturedLog(base::LogLevel level = base::LogLevel::kTrace)
      : level_(base::log_level()), sink_(base::set_log_sink(&CapturedLog::take)) {
    base::set_log_level(level);
    const std::lock_guard lock(lines().mutex);
    lines().text.clear();
  }
  ~CapturedLog() {
    base::set_log_level(level_);
    base::set_log_sink(sink_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Everything logged so far, with prefixes and newlines.
  std::string text() const {
    const std::lock_guard lock(lines().mutex);
    return lines().text;
  }
  bool contains(std::string_view part) const { return text().find(part) != std::string::npos; }

 private:
  struct Lines {
    std::mutex mutex;
    std::string text;
  };
  static Lines& lines() {
    static Lines lines;
    return lines;
  }
  static void take(base::LogLevel, std::string_view text) {
    const std::lock_guard lock(lines().mutex);
    lines().text += text;
  }

  base::LogLevel level_;
  base::LogSink sink_;
};

}  // namespace lamellar::testing_support

#pragma once
// Errors inside the library: a Status or a Result<T> travels up, the public door throws it.
// A Status that is ok costs no allocation. THREADS: plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <lamellar/export.hpp>
#include <lamellar/types.hpp>

namespace lamellar::base {

enum class StatusKind : std::uint8_t {
  kOk,
  kConfig,       // ConfigError
  kLaunch,       // LaunchError
  kDeadlock,     // WouldDeadlock
  kPeerFailed,   // PeerFailed (carries the PE)
  kJobFailed,    // JobFailed (carries the PE)
  kWorldEnded,   // WorldEnded
  kDecode,       // DecodeError
  kUnsupported,  // Unsupported
  kOther,        // Error
};

// The name of a kind for messages, "decode" for kDecode.
const char* status_kind_name(StatusKind kind) noexcept;

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(StatusKind kind, std::string message, Pe pe = 0)
      : kind_(kind), pe_(pe), message_(std::move(message)) {}

  bool ok() const noexcept { return kind_ == StatusKind::kOk; }
  explicit operator bool() const noexcept { return ok(); }
  StatusKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }
  // The PE that failed; meaningful for kPeerFailed and kJobFailed.
  Pe pe() const noexcept { return pe_; }
  // The same error with "context: " before its message; an ok Status stays ok.
  Status with_context(std::string_view context) const;

  // Throws the exception of the kind. REQUIRES: !ok().
  [[noreturn]] void raise() const;
  // Throws when not ok.
  void or_throw() const {
    if (!ok()) raise();
  }

 private:
  StatusKind kind_ = StatusKind::kOk;
  Pe pe_ = 0;
  std::string message_;
};

// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // REQUIRES: !status.ok(); an ok status without a value becomes kOther.
  Result(Status status) : state_(std::in_place_index<1>, checked(std::move(status))) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  // REQUIRES: ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  // The error; an ok Status when there is a value.
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  // The value, or throws the exception of the error.
  T value_or_throw() && {
    if (!ok()) std::get<1>(state_).raise();
    return std::get<0>(std::move(state_));
  }

 private:
  static Status checked(Status status) {
    return status.ok() ? Status(StatusKind::kOther, "an ok status stands where a value should be")
                       : std::move(status);
  }
  std::variant<T, Status> state_;
};

}  // namespace lamellar::base

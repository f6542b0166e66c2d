#include <lamellar/error.hpp>

// The destructors are the key functions: vtables and typeinfo live here, once, in the library.

namespace lamellar {

struct RemoteError::Parts {
  std::string type_name;
  std::string remote_what;
  std::string am;
};

Error::Error(const std::string& message) : std::runtime_error(message) {}
Error::~Error() = default;

ConfigError::~ConfigError() = default;
LaunchError::~LaunchError() = default;
WouldDeadlock::~WouldDeadlock() = default;
DeadlockSuspected::~DeadlockSuspected() = default;
TimedOut::~TimedOut() = default;
Cancelled::~Cancelled() = default;
WorldEnded::~WorldEnded() = default;
DecodeError::~DecodeError() = default;
Unsupported::~Unsupported() = default;

RemoteError::RemoteError(const std::string& type_name, const std::string& remote_what, Pe pe,
                         const std::string& am)
    : Error("active message " + am + " on PE " + std::to_string(pe) + " threw " + type_name + ": " +
            remote_what),
      parts_(std::make_shared<const Parts>(Parts{type_name, remote_what, am})),
      pe_(pe) {}
RemoteError::~RemoteError() = default;
const std::string& RemoteError::type_name() const noexcept { return parts_->type_name; }
const std::string& RemoteError::remote_what() const noexcept { return parts_->remote_what; }
const std::string& RemoteError::am() const noexcept { return parts_->am; }

PeerFailed::PeerFailed(Pe pe, const std::string& reason)
    : Error("PE " + std::to_string(pe) + " can no longer be reached: " + reason), pe_(pe) {}
PeerFailed::~PeerFailed() = default;

JobFailed::JobFailed(Pe pe, const std::string& reason)
    : Error("the job ends because PE " + std::to_string(pe) + " failed: " + reason),
      pe_(pe),
      reason_(std::make_shared<const std::string>(reason)) {}
JobFailed::~JobFailed() = default;
const std::string& JobFailed::reason() const noexcept { return *reason_; }

AmTooLarge::AmTooLarge(const std::string& what, std::size_t size, std::size_t limit)
    : Error(what + " needs " + std::to_string(size) + " bytes encoded, the limit is " +
            std::to_string(limit) + " (LAMELLAR_MAX_AM): raise it on every PE or send less"),
      size_(size),
      limit_(limit) {}
AmTooLarge::~AmTooLarge() = default;

OutOfRange::OutOfRange(const std::string& call, Pe pe, Pe num_pes)
    : Error(call + ": there is no PE " + std::to_string(pe) + ", the world has " +
            std::to_string(num_pes) + (num_pes == 1 ? " PE (0)" : " PEs (0 to ") +
            (num_pes == 1 ? "" : std::to_string(num_pes == 0 ? 0 : num_pes - 1) + ")")),
      pe_(pe),
      num_pes_(num_pes) {}
OutOfRange::~OutOfRange() = default;

}  // namespace lamellar

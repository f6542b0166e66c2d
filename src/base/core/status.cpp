#include "base/core/status.hpp"

#include <lamellar/error.hpp>

namespace lamellar::base {

const char* status_kind_name(StatusKind kind) noexcept {
  switch (kind) {
    case StatusKind::kOk: return "ok";
    case StatusKind::kConfig: return "config";
    case StatusKind::kLaunch: return "launch";
    case StatusKind::kDeadlock: return "deadlock";
    case StatusKind::kPeerFailed: return "peer failed";
    case StatusKind::kJobFailed: return "job failed";
    case StatusKind::kWorldEnded: return "world ended";
    case StatusKind::kDecode: return "decode";
    case StatusKind::kUnsupported: return "unsupported";
    case StatusKind::kOther: return "error";
  }
  return "error";
}

Status Status::with_context(std::string_view context) const {
  if (ok()) return *this;
  return Status(kind_, std::string(context) + ": " + message_, pe_);
}

void Status::raise() const {
  switch (kind_) {
    case StatusKind::kConfig: throw ConfigError(message_);
    case StatusKind::kLaunch: throw LaunchError(message_);
    case StatusKind::kDeadlock: throw WouldDeadlock(message_);
    case StatusKind::kPeerFailed: throw PeerFailed(pe_, message_);
    case StatusKind::kJobFailed: throw JobFailed(pe_, message_);
    case StatusKind::kWorldEnded: throw WorldEnded(message_);
    case StatusKind::kDecode: throw DecodeError(message_);
    case StatusKind::kUnsupported: throw Unsupported(message_);
    case StatusKind::kOk: throw Error("raise() was called on an ok status");
    case StatusKind::kOther: break;
  }
  throw Error(message_);
}

}  // namespace lamellar::base

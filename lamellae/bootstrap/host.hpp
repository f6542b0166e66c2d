#pragma once
// Which host this process runs on.
#include <string>

#include "lamellae/bootstrap/detect.hpp"

namespace lamellar::lamellae {

std::string host_name();

// The same for two processes exactly when they can share memory by passing descriptors: host name,
// boot id, and the namespaces that stand between processes of one kernel.
std::string host_identity();

// A descriptor that becomes readable when the launcher's process on this host has ended: the
// nearest ancestor that is one, or LAMELLAR_RUN_PID. -1 when there is none.
int open_launcher_pidfd(const Environment& environment);

}  // namespace lamellar::lamellae

#include "base/process/ended.hpp"

#include <sys/ioctl.h>

#include <cstdint>

namespace lamellar::base {
namespace {

// struct pidfd_info of <linux/pidfd.h> as of its first version; older headers lack it.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

constexpr std::uint64_t kExit = 1u << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

}  // namespace

Ended ask_how_it_ended(int pidfd) noexcept {
  PidfdInfo info{};
  info.mask = kExit;
  if (ioctl(pidfd, kGetInfo, &info) != 0) return {};
  if ((info.mask & kExit) == 0) return {std::nullopt, true};
  return {info.exit_code, false};
}

}  // namespace lamellar::base

#include "lamellae/shmem/memory_room.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <lamellar/error.hpp>
#include <optional>
#include <sstream>

namespace lamellar::lamellae {
namespace {

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;  // "max" is no number: no limit
  return std::nullopt;
}

void take_tighter(MemoryRoom& room, std::uint64_t bytes, const std::string& limit) {
  if (bytes >= room.bytes) return;
  room.bytes = bytes;
  room.limit = limit;
}

// A group and every group above it may limit.
void ask_cgroups(MemoryRoom& room, const std::string& root, std::string group,
                 const std::string& limit_file, const std::string& usage_file) {
  for (;;) {
    const std::string folder = root + group + "/";
    const auto limit = number_in(folder + limit_file);
    const auto usage = number_in(folder + usage_file);
    if (limit && usage)
      take_tighter(room, *limit > *usage ? *limit - *usage : 0,
                   "the cgroup memory limit of " + std::to_string(*limit) + " bytes");
    if (group.empty() || group == "/") return;
    group.resize(group.rfind('/'));
  }
}

void ask_cgroups(MemoryRoom& room) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty())
      ask_cgroups(room, "/sys/fs/cgroup", group, "memory.max", "memory.current");
    else if (("," + controllers + ",").find(",memory,") != std::string::npos)
      ask_cgroups(room, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes",
                  "memory.usage_in_bytes");
  }
}

void ask_meminfo(MemoryRoom& room) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("MemAvailable:", 0) != 0) continue;
    std::istringstream words(line.substr(13));
    std::uint64_t kib = 0;
    if (words >> kib) take_tighter(room, kib * 1024, "MemAvailable");
  }
}

void ask_address_space(MemoryRoom& room) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const auto pages = number_in("/proc/self/statm");
  if (!pages) return;
  const std::uint64_t used = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  take_tighter(room, limit.rlim_cur > used ? limit.rlim_cur - used : 0,
               "RLIMIT_AS of " + std::to_string(limit.rlim_cur) + " bytes");
}

}  // namespace

MemoryRoom memory_room() {
  MemoryRoom room;
  ask_cgroups(room);
  ask_meminfo(room);
  ask_address_space(room);
  return room;
}

void refuse_memory(const std::string& what, std::uint64_t bytes) {
  const MemoryRoom room = memory_room();
  throw LaunchError("shared memory: " + what + " of " + std::to_string(bytes) +
                    " bytes cannot be had; the tightest limit is " + room.limit +
                    ", which leaves " + std::to_string(room.bytes) +
                    " bytes; lower LAMELLAR_POOL_FRAMES or LAMELLAR_FRAME_BYTES, or raise the "
                    "limit");
}

}  // namespace lamellar::lamellae

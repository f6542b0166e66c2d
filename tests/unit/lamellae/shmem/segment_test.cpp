// Memory that several mappings share, and how much of it there is room for.
#include "lamellae/shmem/segment.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <lamellar/error.hpp>
#include <string>

#include "lamellae/shmem/memory_room.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::size_t kMiB = 1 << 20;

std::size_t taken(const Segment& segment) {
  struct stat status{};
  EXPECT_EQ(fstat(segment.fd(), &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

// In a process of its own, whose limits may be changed: 0 when `holds` said so.
int in_child(const std::function<bool()>& holds) {
  const pid_t child = fork();
  if (child == 0) _exit(holds() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

void limit_address_space(std::uint64_t more) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  FILE* const file = std::fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (file == nullptr || std::fscanf(file, "%lu", &pages) != 1) _exit(2);
  std::fclose(file);
  limit.rlim_cur = pages * static_cast<unsigned long>(sysconf(_SC_PAGESIZE)) + more;
  setrlimit(RLIMIT_AS, &limit);
}

TEST(Segment, TakesMemoryOnlyWhenCommitted) {
  const Segment segment = Segment::create(64 * kMiB);
  EXPECT_EQ(segment.bytes(), 64 * kMiB);
  EXPECT_EQ(taken(segment), 0u);
  ASSERT_TRUE(segment.commit(8 * kMiB, kMiB));
  EXPECT_EQ(taken(segment), kMiB);
  ASSERT_TRUE(segment.commit(8 * kMiB, kMiB));
  EXPECT_EQ(taken(segment), kMiB);
}

TEST(Segment, IsTheSameBehindEveryMapping) {
  const Segment mine = Segment::create(kMiB);
  const Segment theirs = Segment::map(Descriptor(dup(mine.fd())), kMiB);
  EXPECT_NE(mine.base(), theirs.base());
  mine.base()[4711] = std::byte{42};
  EXPECT_EQ(theirs.base()[4711], std::byte{42});
}

TEST(Segment, CannotBeMadeSmallerOrLarger) {
  const Segment segment = Segment::create(kMiB);
  EXPECT_EQ(ftruncate(segment.fd(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(segment.fd(), 2 * kMiB), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(Segment, IsNowhereInTheFileSystemAndNotInherited) {
  const Segment segment = Segment::create(kMiB);
  struct stat status{};
  ASSERT_EQ(fstat(segment.fd(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0u);
  EXPECT_NE(fcntl(segment.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Segment, StaysMappedWithoutItsDescriptor) {
  Segment segment = Segment::create(kMiB);
  segment.close_descriptor();
  EXPECT_LT(segment.fd(), 0);
  segment.base()[0] = std::byte{1};
  Segment moved = std::move(segment);
  EXPECT_EQ(moved.base()[0], std::byte{1});
  EXPECT_EQ(segment.base(), nullptr);  // NOLINT: what a moved-from segment is
}

TEST(Segment, MoreThanThereIsIsNotCommitted) {
  // More than machines have, and what a thread sanitizer still maps.
  const Segment segment = Segment::create(std::size_t{1} << 39);
  EXPECT_FALSE(segment.commit(0, std::size_t{1} << 39));
  EXPECT_EQ(taken(segment), 0u);
}

TEST(Segment, NoAddressSpaceIsSaidWithNumbers) {
  EXPECT_EQ(in_child([] {
              limit_address_space(64 * kMiB);
              try {
                static_cast<void>(Segment::create(128 * kMiB));
              } catch (const LaunchError& error) {
                const std::string what = error.what();
                return what.find("134217728 bytes") != std::string::npos &&
                       what.find("RLIMIT_AS of ") != std::string::npos &&
                       what.find("LAMELLAR_POOL_FRAMES") != std::string::npos;
              }
              return false;
            }),
            0);
}

TEST(MemoryRoom, IsAtMostWhatTheKernelCallsAvailable) {
  const MemoryRoom room = memory_room();
  EXPECT_GT(room.bytes, 0u);
  EXPECT_LT(room.bytes, std::uint64_t{1} << 50);
  EXPECT_FALSE(room.limit.empty());
}

TEST(MemoryRoom, KnowsTheAddressSpaceLimit) {
  EXPECT_EQ(in_child([] {
              limit_address_space(32 * kMiB);
              const MemoryRoom room = memory_room();
              return room.bytes <= 32 * kMiB && room.limit.starts_with("RLIMIT_AS of ");
            }),
            0);
}

}  // namespace
}  // namespace lamellar::lamellae

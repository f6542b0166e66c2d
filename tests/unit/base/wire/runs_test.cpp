// Walking the runs of a payload that its owner still appends to.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/wire/wire.hpp"

namespace lamellar::wire {
namespace {

// Runs of the given numbers of bytes, the last one open.
struct Payload {
  alignas(8) std::byte bytes[1024] = {};
  std::vector<std::uint32_t> headers;
  std::uint32_t end = 0;

  explicit Payload(const std::vector<std::uint32_t>& runs) {
    for (const std::uint32_t size : runs) {
      headers.push_back(static_cast<std::uint32_t>(align8(end)));
      const RunHeader run{word_of(7, Kind::kDetached), &size == &runs.back() ? 0 : size};
      std::memcpy(bytes + headers.back(), &run, sizeof run);
      end = headers.back() + static_cast<std::uint32_t>(sizeof run) + size;
    }
  }
};

TEST(OpenRun, IsTheLastOneThatIsCommitted) {
  const Payload payload({24, 5, 40, 8});
  EXPECT_EQ(open_run(payload.bytes, 0, payload.end), payload.headers[3]);
  EXPECT_EQ(open_run(payload.bytes, payload.headers[1], payload.end), payload.headers[3]);
  // Up to the end of the second run; the third was written, but is not committed.
  EXPECT_EQ(open_run(payload.bytes, 0, payload.headers[1] + 8 + 5), payload.headers[1]);
  EXPECT_EQ(open_run(payload.bytes, payload.headers[3], payload.end), payload.headers[3]);
}

TEST(OpenRun, EndsOnBytesThatAreNoRuns) {
  std::byte bytes[256];
  for (int pattern = 0; pattern < 256; ++pattern) {
    std::memset(bytes, pattern, sizeof bytes);
    EXPECT_LT(open_run(bytes, 0, sizeof bytes), sizeof bytes);
  }
}

}  // namespace
}  // namespace lamellar::wire

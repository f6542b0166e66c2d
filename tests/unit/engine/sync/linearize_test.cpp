// The checker of histories, on histories by hand.
#include "support/linearize.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace linearize_test {
namespace {

using lamellar::testing_support::Call;
using lamellar::testing_support::History;
using lamellar::testing_support::linearizable;

struct Operation {
  bool puts = false;
  int value = 0;
};
[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  return out << (operation.puts ? "put " : "take ") << operation.value;
}

struct Queue {
  std::deque<int> values;
  bool apply(const Operation& operation, bool returned) {
    if (operation.puts) {
      values.push_back(operation.value);
      return true;
    }
    if (values.empty() || (returned && values.front() != operation.value)) return false;
    values.pop_front();
    return true;
  }
  bool operator<(const Queue& other) const { return values < other.values; }
};

constexpr std::uint64_t kNever = Call<Operation>::kNever;

bool explained(const std::vector<Call<Operation>>& calls) { return linearizable(calls, Queue{}); }

TEST(Linearize, OneAfterTheOther) {
  EXPECT_TRUE(explained({}));
  EXPECT_TRUE(explained({{{true, 1}, 0, 1}, {{true, 2}, 2, 3}, {{false, 1}, 4, 5}}));
  EXPECT_FALSE(explained({{{true, 1}, 0, 1}, {{true, 2}, 2, 3}, {{false, 2}, 4, 5}}));
  EXPECT_FALSE(explained({{{false, 1}, 0, 1}, {{true, 1}, 2, 3}}));
}

TEST(Linearize, WhatOverlapsMayBeInAnyOrder) {
  EXPECT_TRUE(explained({{{true, 1}, 0, 2}, {{true, 2}, 1, 3}, {{false, 2}, 4, 5}}));
  EXPECT_TRUE(explained({{{false, 1}, 0, 3}, {{true, 1}, 1, 2}}));
  // 1 was put before 2, and 2 taken before 1.
  EXPECT_FALSE(explained({{{true, 1}, 0, 1},
                          {{true, 2}, 3, 4},
                          {{false, 2}, 2, 5},
                          {{false, 1}, 6, 7}}));
}

TEST(Linearize, NothingIsTakenTwice) {
  EXPECT_FALSE(explained({{{true, 1}, 0, 1}, {{false, 1}, 2, 5}, {{false, 1}, 3, 4}}));
}

TEST(Linearize, WhatNeverReturnedMayHaveHappened) {
  EXPECT_TRUE(explained({{{true, 1}, 0, kNever}, {{false, 1}, 1, 2}}));
  EXPECT_TRUE(explained({{{true, 1}, 0, kNever}, {{true, 2}, 1, 2}, {{false, 2}, 3, 4}}));
  EXPECT_TRUE(explained({{{true, 1}, 0, 1}, {{false, 0}, 2, kNever}, {{true, 2}, 3, 4},
                         {{false, 2}, 5, 6}}));
  EXPECT_FALSE(explained({{{true, 1}, 3, kNever}, {{false, 1}, 1, 2}}));
}

TEST(Linearize, AHistoryIsWrittenByCalls) {
  History<Operation> history(4);
  const std::size_t put = history.call({true, 1});
  const std::size_t take = history.call({false, 0});
  history.returned(put);
  history.operation(take).value = 1;
  history.returned(take);
  const auto calls = history.calls();
  ASSERT_EQ(2u, calls.size());
  EXPECT_LT(calls[1].called, calls[0].returned);
  EXPECT_TRUE(explained(calls));
  EXPECT_EQ("  [0, 2] put 1\n  [1, 3] take 1\n", to_string(calls));
}

}  // namespace
}  // namespace linearize_test

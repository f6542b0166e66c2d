#include <gtest/gtest.h>
#include <lamellar/channel.hpp>

#include <optional>
#include <string>

#include "base/wait/wait.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Channel;
using lamellar::ChannelClosed;
using Numbers = std::vector<int>;

Hand sends(Channel<int>& channel, int value, bool* closed = nullptr) {
  try {
    co_await channel.send(value);
  } catch (const ChannelClosed&) {
    *closed = true;
  }
}

// Writes what it received, or -1 for the end.
Hand receives(Channel<int>& channel, Numbers& got) {
  const std::optional<int> value = co_await channel.receive();
  got.push_back(value.value_or(-1));
}

TEST(Channel, GivesBackInTheOrderOfSending) {
  Channel<int> channel(3);
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  EXPECT_TRUE(channel.try_send(3));
  EXPECT_FALSE(channel.try_send(4));
  EXPECT_EQ(3u, channel.size());
  EXPECT_EQ(1, channel.try_receive());
  EXPECT_TRUE(channel.try_send(5));
  EXPECT_EQ(2, channel.try_receive());
  EXPECT_EQ(3, channel.try_receive());
  EXPECT_EQ(5, channel.try_receive());
  EXPECT_EQ(std::nullopt, channel.try_receive());
}

TEST(Channel, ValuesThatAreLeftAreDestroyed) {
  const auto value = std::make_shared<int>(1);
  {
    Channel<std::shared_ptr<int>> channel(2);
    EXPECT_TRUE(channel.try_send(value));
    EXPECT_TRUE(channel.try_send(value));
    EXPECT_EQ(3, value.use_count());
  }
  EXPECT_EQ(1, value.use_count());
}

TEST(Channel, ValuesMayBeMoveOnly) {
  Bench bench;
  Channel<std::unique_ptr<int>> channel(1);
  auto seven = std::make_unique<int>(7);
  auto eight = std::make_unique<int>(8);
  EXPECT_TRUE(channel.try_send(std::move(seven)));
  EXPECT_FALSE(channel.try_send(std::move(eight)));
  ASSERT_NE(nullptr, eight);  // it was not sent, so it is still here
  EXPECT_EQ(8, *eight);
  const auto passes = [](Channel<std::unique_ptr<int>>& its, int& sum) -> Hand {
    auto value = co_await its.receive();
    sum += **value;
    co_await its.send(std::move(*value));
    co_await its.emplace(new int(30));
  };
  int sum = 0;
  Hand hand = bench.start(passes(channel, sum));
  EXPECT_EQ(7, sum);
  EXPECT_EQ(7, **channel.try_receive());
  bench.work();
  EXPECT_TRUE(hand.done());
  EXPECT_EQ(30, **channel.try_receive());
}

TEST(Channel, SendersWaitForAPlaceInTheirOrder) {
  Bench bench;
  Channel<int> channel(1);
  EXPECT_TRUE(channel.try_send(0));
  std::vector<Hand> hands;
  for (const int value : {1, 2, 3}) hands.push_back(bench.start(sends(channel, value)));
  EXPECT_EQ(1u, channel.size());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(i, channel.try_receive());
    EXPECT_EQ(i < 3 ? 1 : 0, bench.work());
    for (int k = 0; k < 3; ++k) EXPECT_EQ(k <= i, hands[static_cast<std::size_t>(k)].done()) << i;
  }
}

TEST(Channel, ReceiversWaitForAValueInTheirOrder) {
  Bench bench;
  Channel<int> channel(5);
  Numbers got[3];
  std::vector<Hand> hands;
  for (auto& place : got) hands.push_back(bench.start(receives(channel, place)));
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  EXPECT_EQ(0u, channel.size());  // they are on their way
  EXPECT_EQ(std::nullopt, channel.try_receive());
  bench.work();
  EXPECT_EQ((Numbers{1}), got[0]);
  EXPECT_EQ((Numbers{2}), got[1]);
  EXPECT_EQ((Numbers{}), got[2]);
  EXPECT_TRUE(channel.try_send(3));
  bench.work();
  EXPECT_EQ((Numbers{3}), got[2]);
}

TEST(Channel, WithoutPlacesSenderAndReceiverMeet) {
  Bench bench;
  Channel<int> channel(0);
  EXPECT_FALSE(channel.try_send(1));
  EXPECT_EQ(std::nullopt, channel.try_receive());
  Hand first = bench.start(sends(channel, 1));
  Hand second = bench.start(sends(channel, 2));
  EXPECT_FALSE(first.done());
  EXPECT_EQ(0u, channel.size());
  EXPECT_EQ(1, channel.try_receive());
  bench.work();
  EXPECT_TRUE(first.done());
  EXPECT_FALSE(second.done());
  Numbers got;
  Hand receiver = bench.start(receives(channel, got));
  EXPECT_EQ((Numbers{2}), got);
  bench.work();
  EXPECT_TRUE(second.done());
  receiver = bench.start(receives(channel, got));
  EXPECT_FALSE(receiver.done());
  EXPECT_TRUE(channel.try_send(3));
  EXPECT_FALSE(channel.try_send(4));
  bench.work();
  EXPECT_EQ((Numbers{2, 3}), got);
}

TEST(Channel, AfterClosingWhatIsThereIsStillReceived) {
  Bench bench;
  Channel<int> channel(2);
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_TRUE(channel.try_send(2));
  EXPECT_FALSE(channel.closed());
  channel.close();
  channel.close();
  EXPECT_TRUE(channel.closed());
  EXPECT_THROW(channel.try_send(3), ChannelClosed);
  bool closed = false;
  const Hand sender = bench.start(sends(channel, 3, &closed));
  EXPECT_TRUE(closed);
  Numbers got;
  std::vector<Hand> hands;
  for (int i = 0; i < 3; ++i) hands.push_back(bench.start(receives(channel, got)));
  EXPECT_EQ((Numbers{1, 2, -1}), got);
  EXPECT_EQ(std::nullopt, channel.try_receive());
}

TEST(Channel, ClosingEndsAllWaits) {
  Bench bench;
  Channel<int> full(1);
  EXPECT_TRUE(full.try_send(1));
  bool closed[2] = {};
  Hand first = bench.start(sends(full, 2, &closed[0]));
  Hand second = bench.start(sends(full, 3, &closed[1]));
  full.close();
  bench.work();
  EXPECT_TRUE(closed[0] && closed[1]);
  EXPECT_EQ(1, full.try_receive());
  EXPECT_EQ(std::nullopt, full.try_receive());

  Channel<int> empty(1);
  Numbers got;
  Hand third = bench.start(receives(empty, got));
  Hand fourth = bench.start(receives(empty, got));
  empty.close();
  bench.work();
  EXPECT_EQ((Numbers{-1, -1}), got);
}

TEST(Channel, WaitsAreInTheTable) {
  Bench bench;
  Channel<int> channel(0);
  Numbers got;
  {
    const Hand hand = bench.start(sends(channel, 1));
    const std::string waits = base::describe_waits();
    EXPECT_NE(std::string::npos, waits.find("a place in a channel")) << waits;
    EXPECT_NE(std::string::npos, waits.find("channel_test.cpp:")) << waits;
  }
  {
    const Hand hand = bench.start(receives(channel, got));
    const std::string waits = base::describe_waits();
    EXPECT_NE(std::string::npos, waits.find("a value from a channel")) << waits;
    EXPECT_NE(std::string::npos, waits.find("channel_test.cpp:")) << waits;
  }
  EXPECT_EQ(std::string::npos, base::describe_waits().find("channel"));
}

// --- cancellation --------------------------------------------------------------------------

Hand sends_shared(Channel<std::shared_ptr<int>>& channel, std::shared_ptr<int> value) {
  co_await channel.send(std::move(value));
}

TEST(Channel, ASenderThatIsDestroyedSendsNothing) {
  Bench bench;
  Channel<std::shared_ptr<int>> channel(0);
  const auto value = std::make_shared<int>(1);
  Hand hand = bench.start(sends_shared(channel, value));
  EXPECT_EQ(2, value.use_count());
  hand.destroy();
  EXPECT_EQ(1, value.use_count());
  EXPECT_EQ(std::nullopt, channel.try_receive());
}

TEST(Channel, ASenderThatIsDestroyedAfterItsValueWasTakenHasSent) {
  Bench bench;
  Channel<int> channel(1);
  EXPECT_TRUE(channel.try_send(1));
  Hand hand = bench.start(sends(channel, 2));
  EXPECT_EQ(1, channel.try_receive());
  hand.destroy();
  EXPECT_EQ(1, bench.work());  // for nothing
  EXPECT_EQ(2, channel.try_receive());
}

TEST(Channel, ASenderThatIsDestroyedWhenItWasClosed) {
  Bench bench;
  Channel<std::shared_ptr<int>> channel(0);
  const auto value = std::make_shared<int>(1);
  Hand hand = bench.start(sends_shared(channel, value));
  channel.close();
  hand.destroy();
  EXPECT_EQ(1, value.use_count());
  EXPECT_EQ(1, bench.work());
}

TEST(Channel, AReceiverThatIsDestroyedIsPassedOver) {
  Bench bench;
  Channel<int> channel(1);
  Numbers got;
  Hand first = bench.start(receives(channel, got));
  Hand second = bench.start(receives(channel, got));
  first.destroy();
  EXPECT_TRUE(channel.try_send(1));
  bench.work();
  EXPECT_EQ((Numbers{1}), got);
  EXPECT_TRUE(second.done());
}

TEST(Channel, ValuesOfReceiversThatAreDestroyedGoBackToTheirPlaces) {
  for (const bool forwards : {true, false}) {
    Bench bench;
    Channel<int> channel(2);
    Numbers got;
    std::vector<Hand> hands;
    for (int i = 0; i < 3; ++i) hands.push_back(bench.start(receives(channel, got)));
    for (const int value : {1, 2, 3, 4, 5}) EXPECT_TRUE(channel.try_send(value));
    EXPECT_FALSE(channel.try_send(6));
    for (int i = 0; i < 3; ++i) hands[static_cast<std::size_t>(forwards ? i : 2 - i)].destroy();
    EXPECT_EQ(5u, channel.size());  // more than its capacity
    EXPECT_FALSE(channel.try_send(6));
    for (const int value : {1, 2, 3, 4, 5}) EXPECT_EQ(value, channel.try_receive());
    EXPECT_EQ(3, bench.work());  // for nothing
    EXPECT_EQ((Numbers{}), got);
    EXPECT_TRUE(channel.try_send(6));
    EXPECT_EQ(6, channel.try_receive());
  }
}

TEST(Channel, AValueThatComesBackGoesToWhoWaits) {
  Bench bench;
  Channel<int> channel(0);
  Numbers got;
  Hand first = bench.start(receives(channel, got));
  Hand second = bench.start(receives(channel, got));
  EXPECT_TRUE(channel.try_send(1));
  first.destroy();
  bench.work();
  EXPECT_EQ((Numbers{1}), got);
  EXPECT_TRUE(second.done());
}

TEST(Channel, AValueThatComesBackToAClosedChannelIsReceived) {
  Bench bench;
  Channel<int> channel(0);
  Numbers got;
  Hand first = bench.start(receives(channel, got));
  Hand second = bench.start(receives(channel, got));
  EXPECT_TRUE(channel.try_send(1));
  channel.close();
  first.destroy();
  second.destroy();  // was told the end, and gives nothing back
  EXPECT_EQ(1, channel.try_receive());
  EXPECT_EQ(std::nullopt, channel.try_receive());
}

TEST(ChannelDeathTest, DestroyingOneThatIsWaitedAtIsAFault) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Bench bench;
        auto channel = std::make_unique<Channel<int>>(0);
        Hand hand = bench.start(sends(*channel, 1));
        channel.reset();
      },
      "a channel was destroyed while coroutines wait to send");
  EXPECT_DEATH(
      {
        Bench bench;
        Numbers got;
        auto channel = std::make_unique<Channel<int>>(0);
        Hand hand = bench.start(receives(*channel, got));
        channel.reset();
      },
      "a channel was destroyed while coroutines wait to receive");
}

// --- values that throw ---------------------------------------------------------------------

struct Throws {
  explicit Throws(int its_moves) : moves(its_moves) {}
  Throws(Throws&& other) : moves(other.moves) {
    if (moves-- == 0) throw std::runtime_error("planted");
  }
  int moves;  // that are left before one throws
};

Hand sends_throwing(Channel<Throws>& channel, int moves, std::string& outcome) {
  Throws value(moves);
  try {
    co_await channel.send(std::move(value));
    outcome = "sent";
  } catch (const std::runtime_error& error) {
    outcome = error.what();
  }
}

Hand receives_throwing(Channel<Throws>& channel, std::string& outcome) {
  try {
    const auto value = co_await channel.receive();
    outcome = value ? "received" : "the end";
  } catch (const std::runtime_error& error) {
    outcome = error.what();
  }
}

TEST(Channel, AMoveThatThrowsLosesNoPlace) {
  Bench bench;
  Channel<Throws> channel(1);
  std::string sent, received;
  for (int i = 0; i < 3; ++i) {
    bench.start(sends_throwing(channel, i % 2, sent)).destroy();  // into send(), or into the parcel
    EXPECT_EQ("planted", sent);
    EXPECT_EQ(0u, channel.size());
  }
  for (int i = 0; i < 3; ++i) {
    const Hand sender = bench.start(sends_throwing(channel, 2, sent));
    EXPECT_EQ("sent", sent);
    Hand next = bench.start(sends_throwing(channel, 9, sent));
    EXPECT_FALSE(next.done());
    const Hand receiver = bench.start(receives_throwing(channel, received));
    EXPECT_EQ("planted", received);
    bench.work();
    EXPECT_TRUE(next.done());  // has the place
    EXPECT_TRUE(channel.try_receive());
    EXPECT_EQ(0u, channel.size());
  }
}

// --- many threads --------------------------------------------------------------------------

Task<> produces(Channel<std::unique_ptr<int>>& channel, int first, int count) {
  for (int i = 0; i < count; ++i) co_await channel.send(std::make_unique<int>(first + i));
}

Task<Numbers> consumes(Channel<std::unique_ptr<int>>& channel) {
  Numbers got;
  for (;;) {
    const auto value = co_await channel.receive();
    if (!value) co_return got;
    got.push_back(**value);
  }
}

// Nothing lost, nothing twice, and of one sender everybody sees the values in their order.
void many_to_many(std::size_t capacity) {
  constexpr int kSenders = 4;
  constexpr int kCount = 5000;
  House house(3);
  Channel<std::unique_ptr<int>> channel(capacity);
  std::vector<Future<void>> senders;
  std::vector<Future<Numbers>> receivers;
  for (int i = 0; i < 3; ++i)
    receivers.push_back(detail::start_task(house.scheduler, consumes(channel)));
  for (int i = 0; i < kSenders; ++i)
    senders.push_back(
        detail::start_task(house.scheduler, produces(channel, i * kCount, kCount)));
  base::Thread outside("outside", [&] {
    for (int i = 0; i < kCount; ++i) {
      auto value = std::make_unique<int>(kSenders * kCount + i);
      while (!channel.try_send(std::move(value))) base::yield_thread();
    }
  });
  for (auto& sender : senders) sender.block();
  outside.join();
  channel.close();
  std::vector<int> seen(static_cast<std::size_t>((kSenders + 1) * kCount));
  for (auto& receiver : receivers) {
    int last[kSenders + 1] = {};
    for (const int value : receiver.block()) {
      ++seen[static_cast<std::size_t>(value)];
      const int order = value % kCount + 1;
      EXPECT_LT(last[value / kCount], order);
      last[value / kCount] = order;
    }
  }
  for (const int times : seen) ASSERT_EQ(1, times);
}

TEST(Channel, ManySendersAndReceivers) { many_to_many(7); }
TEST(Channel, ManySendersAndReceiversMeet) { many_to_many(0); }

}  // namespace
}  // namespace sync_test

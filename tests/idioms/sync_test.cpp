// Locks, counters and channels.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

#include "idioms/idioms.hpp"

namespace idioms::sync {

using lamellar::Barrier;
using lamellar::Channel;
using lamellar::ChannelClosed;
using lamellar::Latch;
using lamellar::Mutex;
using lamellar::RwLock;
using lamellar::Semaphore;

// --- 59: guards of a mutex -----------------------------------------------------------------

struct Locked {
  Mutex mutex;
  int sum = 0;      // guarded by mutex
  bool inside = false;
};
// With a wait inside: the coroutine may go on on another thread, and still has the lock.
Task<void> adds(Locked& locked) {
  const auto guard = co_await locked.mutex.lock();
  EXPECT_FALSE(std::exchange(locked.inside, true));
  co_await lamellar::yield();
  ++locked.sum;
  EXPECT_TRUE(std::exchange(locked.inside, false));
}
TEST_F(ThreeThreads, Idiom59_GuardsHeldOverAWait) {
  Locked locked;
  std::vector<Future<void>> all;
  for (int i = 0; i < 500; ++i) all.push_back(world.spawn(adds(locked)));
  for (auto& one : all) one.block();
  EXPECT_EQ(locked.sum, 500);
}

struct HasGuard {
  Mutex::Guard guard;
};
Task<Mutex::Guard> takes(Mutex& mutex) {
  auto guard = co_await mutex.lock();
  co_return guard;
}
Task<bool> owns(Mutex::Guard guard) {
  co_await lamellar::yield();
  co_return guard.owns();
}
Task<int> hands_guards_on(Mutex& mutex) {
  int right = 0;
  {
    auto named = co_await mutex.lock();
    HasGuard member{std::move(named)};  // not the await itself: trap 99
    right += mutex.try_lock() ? 100 : 1;
    Mutex::Guard moved = std::move(member.guard);
    right += moved.owns() && !member.guard.owns() ? 1 : 100;
  }
  auto guard = co_await takes(mutex);
  right += co_await owns(std::move(guard)) ? 1 : 100;
  guard = co_await mutex.lock();  // an empty one may be filled again
  guard.unlock();
  guard.unlock();  // nothing
  right += is_free(mutex) ? 1 : 100;
  guard = mutex.try_lock();
  right += guard.owns() ? 1 : 100;
  co_return right;
}
TEST_F(ThreeThreads, Idiom60_GuardsThatAreHandedOn) {
  Mutex mutex;
  EXPECT_EQ(world.block_on(hands_guards_on(mutex)), 5);
  EXPECT_TRUE(is_free(mutex));
}

Task<int> fails_inside(Mutex& mutex) {
  const auto guard = co_await mutex.lock();
  co_return co_await fails("inside");
}
Task<int> unnamed_guard(Mutex& mutex) {
  int right = 0;
  try {
    co_await fails_inside(mutex);
  } catch (const Failure&) {
    ++right;
  }
  // A guard without a name is gone at the end of the statement. clang warns, g++ 12 does not.
  static_cast<void>(co_await mutex.lock());
  if (is_free(mutex)) ++right;
  co_return right;
}
TEST_F(ThreeThreads, Idiom61_GuardsThatGo) {
  Mutex mutex;
  EXPECT_EQ(world.block_on(unnamed_guard(mutex)), 2);
}

// --- 62: readers and writers ---------------------------------------------------------------

struct Written {
  RwLock lock;
  std::optional<Counted> value = Counted(0);  // guarded by lock
};
Task<void> writes(Written& written) {
  const auto guard = co_await written.lock.lock();
  const int before = written.value->value();
  written.value.reset();
  co_await lamellar::yield();
  written.value.emplace(before + 1);
}
Task<bool> reads(Written& written) {
  const auto guard = co_await written.lock.lock_shared();
  co_await lamellar::yield();
  co_return written.value.has_value();
}
Task<int> two_readers(RwLock& lock) {
  const RwLock::SharedGuard first = co_await lock.lock_shared();
  RwLock::SharedGuard second = lock.try_lock_shared();
  RwLock::SharedGuard third = std::move(second);
  int right = first.owns() && third.owns() && !second.owns() ? 1 : 100;
  right += lock.try_lock() ? 100 : 1;
  co_return right;
}
TEST_F(ThreeThreads, Idiom62_ReadersAndWriters) {
  Written written;
  std::vector<Future<void>> writers;
  std::vector<Future<bool>> readers;
  for (int i = 0; i < 100; ++i) {
    readers.push_back(world.spawn(reads(written)));
    writers.push_back(world.spawn(writes(written)));
  }
  for (auto& one : writers) one.block();
  for (auto& one : readers) EXPECT_TRUE(one.block());
  EXPECT_EQ(written.value->value(), 100);
  EXPECT_EQ(world.block_on(two_readers(written.lock)), 2);
  EXPECT_TRUE(written.lock.try_lock().owns());
}

// --- 63: permits ---------------------------------------------------------------------------

Task<void> uses_two(Semaphore& permits, std::atomic<int>& inside) {
  const auto guard = co_await permits.hold(2);
  EXPECT_LE(inside += 1, 2);
  co_await lamellar::yield();
  inside -= 1;
}
Task<int> acquires(Semaphore& permits) {
  co_await permits.acquire();
  co_await permits.acquire(4);
  int right = permits.try_acquire() ? 100 : 1;
  permits.release(5);
  const Semaphore::Guard guard = permits.try_hold(3);
  right += guard.owns() && permits.available() == 2 ? 1 : 100;
  co_return right;
}
Task<int> fails_holding(Semaphore& permits) {
  const auto guard = co_await permits.hold(5);
  co_return co_await fails("holding");
}
TEST_F(ThreeThreads, Idiom63_Permits) {
  Semaphore permits(5);
  std::atomic<int> inside{0};
  std::vector<Future<void>> all;
  for (int i = 0; i < 100; ++i) all.push_back(world.spawn(uses_two(permits, inside)));
  for (auto& one : all) one.block();
  EXPECT_EQ(world.block_on(acquires(permits)), 2);
  EXPECT_THROW(world.block_on(fails_holding(permits)), Failure);
  EXPECT_EQ(permits.available(), 5u);
}
// Released by another than who acquires: a signal that is not lost.
Task<int> waits_for_signals(Semaphore& signals, int count) {
  for (int i = 0; i < count; ++i) co_await signals.acquire();
  co_return count;
}
TEST_F(ThreeThreads, Idiom64_PermitsAsSignals) {
  Semaphore signals(0);
  auto waiting = world.spawn(waits_for_signals(signals, 1000));
  for (int i = 0; i < 1000; ++i) signals.release();
  EXPECT_EQ(waiting.block(), 1000);
}

// --- 65: arrivals --------------------------------------------------------------------------

Task<int> passes(Latch& begin, Latch& end, std::atomic<int>& passed) {
  const Counted local(1);
  co_await begin.wait();
  co_await begin.wait();  // it stays open
  ++passed;
  co_await end.arrive_and_wait();
  co_return passed.load() * local.value();
}
TEST_F(ThreeThreads, Idiom65_Latches) {
  Latch begin(2), end(10);
  std::atomic<int> passed{0};
  std::vector<Future<int>> all;
  for (int i = 0; i < 10; ++i) all.push_back(world.spawn(passes(begin, end, passed)));
  begin.count_down();
  EXPECT_EQ(passed.load(), 0);
  begin.count_down();
  for (auto& one : all) EXPECT_EQ(one.block(), 10);
  EXPECT_TRUE(end.try_wait());
}
Task<void> goes_rounds(Barrier& barrier, std::vector<int>& at, std::size_t me, int rounds) {
  const Counted local(1);
  for (int round = 1; round <= rounds; ++round) {
    at[me] = round * local.value();
    co_await barrier.arrive_and_wait();
    for (const int other : at) EXPECT_GE(other, round);
    co_await barrier.arrive_and_wait();
  }
  at[me] = 1000;
  barrier.arrive_and_drop();
}
TEST_F(ThreeThreads, Idiom66_BarriersInALoop) {
  Barrier barrier(4);
  std::vector<int> at(4, 0);
  std::vector<Future<void>> all;
  // The last one goes more rounds, in the end alone.
  for (std::size_t i = 0; i < 4; ++i)
    all.push_back(world.spawn(goes_rounds(barrier, at, i, i == 3 ? 60 : 50)));
  for (auto& one : all) one.block();
  EXPECT_EQ(at, std::vector<int>(4, 1000));
}

// --- 67: channels --------------------------------------------------------------------------

struct Pair {
  Counted first;
  std::string second;
};
Task<void> sends_all_forms(Channel<Pair>& pairs, Channel<Counted>& values) {
  Counted named(1);
  co_await values.send(named);
  co_await values.send(std::move(named));
  co_await values.send(Counted(1));
  co_await values.emplace(1);
  Pair pair{Counted(1), kLong};  // an aggregate: never as a temporary in a co_await (trap 94)
  co_await pairs.send(std::move(pair));
  co_await pairs.emplace(Counted(1), kLong);
  values.close();
  pairs.close();
}
Task<int> receives_all(Channel<Pair>& pairs, Channel<Counted>& values) {
  int sum = 0;
  for (;;) {
    const std::optional<Counted> value = co_await values.receive();
    if (!value) break;
    sum += value->value();
  }
  for (;;) {
    auto pair = co_await pairs.receive();
    if (!pair) break;
    auto& [first, second] = *pair;
    sum += second == kLong ? 10 * first.value() : 1000;
  }
  co_return sum;
}
TEST_F(ThreeThreads, Idiom67_SendingAndReceiving) {
  for (const std::size_t capacity : {0u, 1u, 100u}) {
    Channel<Counted> values(capacity);
    Channel<Pair> pairs(2);
    auto sending = world.spawn(sends_all_forms(pairs, values));
    EXPECT_EQ(world.block_on(receives_all(pairs, values)), 24);
    sending.block();
  }
}
Task<void> sends(Channel<std::unique_ptr<Counted>>& channel, int count) {
  for (int i = 0; i < count; ++i) {
    auto owned = std::make_unique<Counted>(1);
    co_await channel.send(std::move(owned));
  }
}
Task<int> receives(Channel<std::unique_ptr<Counted>>& channel) {
  int sum = 0;
  for (;;) {
    const auto owned = co_await channel.receive();
    if (!owned) co_return sum;
    sum += (*owned)->value();
  }
}
TEST_F(ThreeThreads, Idiom68_ManySendersAndReceivers) {
  for (const std::size_t capacity : {0u, 3u}) {
    Channel<std::unique_ptr<Counted>> channel(capacity);
    std::vector<Future<void>> senders;
    std::vector<Future<int>> receivers;
    for (int i = 0; i < 3; ++i) {
      senders.push_back(world.spawn(sends(channel, 300)));
      receivers.push_back(world.spawn(receives(channel)));
    }
    for (auto& one : senders) one.block();
    channel.close();
    int sum = 0;
    for (auto& one : receivers) sum += one.block();
    EXPECT_EQ(sum, 900);
  }
}

// --- 69: closing ---------------------------------------------------------------------------

Task<int> sends_until_closed(Channel<Counted>& channel, Semaphore& waits) {
  int sent = 0;
  try {
    for (;; ++sent) {
      if (sent == 2) waits.release();  // the next one has no place
      co_await channel.send(Counted(1));
    }
  } catch (const ChannelClosed&) {
  }
  co_return sent;
}
Task<int> closes_under(World world, Channel<Counted>& channel) {
  Semaphore waits(0);
  auto sending = world.spawn(sends_until_closed(channel, waits));
  co_await waits.acquire();
  channel.close();
  channel.close();
  int sent = co_await sending;
  // What was there is still there.
  for (;;) {
    const auto value = co_await channel.receive();
    if (!value) break;
    sent += 10 * value->value();
  }
  try {
    channel.try_send(Counted(1));
  } catch (const ChannelClosed&) {
    sent += 100;
  }
  co_return sent;
}
Task<bool> ends(Channel<Counted>& channel) {
  const auto value = co_await channel.receive();
  co_return !value.has_value();
}
TEST_F(ThreeThreads, Idiom69_ClosingUnderSendersAndReceivers) {
  Channel<Counted> channel(2);
  EXPECT_EQ(world.block_on(closes_under(world, channel)), 122);
  Channel<Counted> other(2);
  auto first = world.spawn(ends(other));
  auto second = world.spawn(ends(other));
  other.close();
  EXPECT_TRUE(first.block());
  EXPECT_TRUE(second.block());
}

// --- 70: a line of tasks -------------------------------------------------------------------

Task<void> makes(Channel<Counted>& to, int count) {
  for (int i = 1; i <= count; ++i) co_await to.emplace(i);
  to.close();
}
Task<void> doubles(Channel<Counted>& from, Channel<Counted>& to) {
  for (;;) {
    const auto value = co_await from.receive();
    if (!value) break;
    co_await to.emplace(2 * value->value());
  }
  to.close();
}
Task<int> adds_up(Channel<Counted>& from) {
  int sum = 0;
  for (;;) {
    const auto value = co_await from.receive();
    if (!value) co_return sum;
    sum += value->value();
  }
}
Task<int> line() {
  Channel<Counted> numbers(1), doubled(0);
  auto all = co_await lamellar::when_all(makes(numbers, 200), doubles(numbers, doubled),
                                         adds_up(doubled));
  co_return std::get<2>(all);
}
TEST_F(ThreeThreads, Idiom70_ALineOfTasks) { EXPECT_EQ(world.block_on(line()), 200 * 201); }

// What a value's move throws: nothing was sent.
struct ThrowsWhenMoved {
  explicit ThrowsWhenMoved(bool now) : throws(now) {}
  ThrowsWhenMoved(ThrowsWhenMoved&& other) : throws(other.throws) {
    if (throws) throw Failure("move");
  }
  bool throws;
  Counted counted{1};
};
Task<int> sends_what_throws(Channel<ThrowsWhenMoved>& channel) {
  int caught = 0;
  ThrowsWhenMoved bad(true);
  try {
    co_await channel.send(std::move(bad));
  } catch (const Failure&) {
    ++caught;
  }
  co_await channel.send(ThrowsWhenMoved(false));
  caught += 10 * static_cast<int>(channel.size());
  co_return caught;
}
TEST_F(ThreeThreads, Idiom71_ValuesWhoseMoveThrows) {
  Channel<ThrowsWhenMoved> channel(4);
  EXPECT_EQ(world.block_on(sends_what_throws(channel)), 11);
}

}  // namespace idioms::sync

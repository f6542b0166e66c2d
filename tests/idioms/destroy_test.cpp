// Destroying a frame in each kind of wait. Each coroutine holds a value: it has to go with the
// frame, and what was waited for has to go on.
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

#include "idioms/idioms.hpp"

namespace idioms::destroy {

using lamellar::Barrier;
using lamellar::Channel;
using lamellar::Latch;
using lamellar::Mutex;
using lamellar::RwLock;
using lamellar::Semaphore;
using namespace std::chrono_literals;

// With one thread: what is suspended stays so until the test waits again.
class Destroy : public OneThread {
 protected:
  // Starts `hand`, sees it wait, destroys it; what it held is gone.
  void start_and_destroy(Hand hand) {
    const int before = Counted::live();
    start(hand, world);
    EXPECT_FALSE(hand.done());
    EXPECT_EQ(Counted::live(), before + 1);
    hand.destroy();
    EXPECT_EQ(Counted::live(), before);
  }
  std::atomic<int> went_on{0};
};

Task<void> passes(Latch& latch, std::atomic<int>& count) {
  co_await latch.wait();
  ++count;
}

// --- 72: tasks and futures -----------------------------------------------------------------

Task<int> waits_deep(Latch& latch, int depth) {
  if (depth == 0) {
    co_await latch.wait();
    co_return 0;
  }
  co_return co_await waits_deep(latch, depth - 1);
}
Hand awaits_task(Latch& latch, std::atomic<int>& went_on) {
  const Counted local(1);
  const int value = co_await waits_deep(latch, 100);
  went_on += value + local.value();
}
TEST_F(Destroy, Idiom72_AtATask) {
  Latch latch(1);
  start_and_destroy(awaits_task(latch, went_on));
  latch.count_down();
  EXPECT_EQ(world.block_on(counted(1)).value(), 1);
  EXPECT_EQ(went_on.load(), 0);
}
TEST_F(Destroy, Idiom73_NeverStarted) {
  Latch latch(1);
  const Hand hand = awaits_task(latch, went_on);
  Task<int> task = waits_deep(latch, 3);
  Task<int> other = std::move(task);
  EXPECT_EQ(Counted::live(), 0);
}

Hand awaits_future(Future<void> future, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await future;
  went_on += local.value();
}
TEST_F(Destroy, Idiom74_AtAFuture) {
  Latch latch(1);
  std::atomic<int> passed{0};
  start_and_destroy(awaits_future(world.spawn(passes(latch, passed)), went_on));
  latch.count_down();  // the work goes on, detached
  while (passed.load() == 0) world.block_on(counted(1));
  EXPECT_EQ(went_on.load(), 0);
}
struct Add {
  int a = 0, b = 0;
  int exec(lamellar::Context&) const { return a + b; }
};
LAMELLAR_AM(Add, a, b);
Hand awaits_message(World world, std::atomic<int>& went_on) {
  const Counted local(1);
  const int sum = co_await world.exec_am_pe<Add>(0, 1, 2);
  went_on += sum + local.value();
}
TEST_F(Destroy, Idiom75_AtAnActiveMessage) {
  start_and_destroy(awaits_message(world, went_on));
  world.wait_all();
  EXPECT_EQ(went_on.load(), 0);
}

// --- 76: several ---------------------------------------------------------------------------

Hand awaits_all(World world, Latch& latch, std::atomic<int>& passed, std::atomic<int>& went_on) {
  const Counted local(1);
  std::vector<Future<void>> all;
  for (int i = 0; i < 3; ++i) all.push_back(world.spawn(passes(latch, passed)));
  co_await lamellar::when_all(std::move(all));
  went_on += local.value();
}
TEST_F(Destroy, Idiom76_AtWhenAll) {
  Latch latch(1);
  std::atomic<int> passed{0};
  start_and_destroy(awaits_all(world, latch, passed, went_on));
  latch.count_down();
  while (passed.load() != 3) world.block_on(counted(1));
  EXPECT_EQ(went_on.load(), 0);
}
Hand awaits_any(std::vector<Future<void>>& futures, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await lamellar::when_any(futures);
  went_on += local.value();
}
TEST_F(Destroy, Idiom77_AtWhenAny) {
  Latch latch(1);
  std::atomic<int> passed{0};
  std::vector<Future<void>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(world.spawn(passes(latch, passed)));
  start_and_destroy(awaits_any(futures, went_on));
  start_and_destroy(awaits_any(futures, went_on));  // they can be waited for again
  latch.count_down();
  for (auto& future : futures) future.block();
  EXPECT_EQ(passed.load(), 3);
  EXPECT_EQ(went_on.load(), 0);
}
Hand awaits_limited(Future<void> future, std::stop_token token, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await lamellar::with_timeout(std::move(future), 10min, token);
  went_on += local.value();
}
TEST_F(Destroy, Idiom78_AtATimeOut) {
  Latch latch(1);
  std::atomic<int> passed{0};
  std::stop_source stop;
  start_and_destroy(
      awaits_limited(world.spawn(passes(latch, passed)), stop.get_token(), went_on));
  start_and_destroy(
      awaits_limited(world.spawn(passes(latch, passed)), stop.get_token(), went_on));
  stop.request_stop();
  latch.count_down();
  while (passed.load() != 2) world.block_on(counted(1));
  EXPECT_EQ(went_on.load(), 0);
}
// The wait is over already, but the coroutine has not run since.
TEST_F(Destroy, Idiom79_AfterTheWaitHasEnded) {
  for (int i = 0; i < 3; ++i) {
    Latch latch(1);
    Latch never(1);
    std::atomic<int> passed{0};
    std::stop_source stop;
    Hand at_latch = awaits_task(latch, went_on);
    start(at_latch, world);
    Hand stopped = awaits_limited(world.spawn(passes(never, passed)), stop.get_token(), went_on);
    start(stopped, world);
    latch.count_down();
    stop.request_stop();
    at_latch.destroy();
    stopped.destroy();
    never.count_down();
    while (passed.load() == 0) world.block_on(counted(1));
  }
  EXPECT_EQ(went_on.load(), 0);
}

// --- 80: time ------------------------------------------------------------------------------

Hand yields(std::atomic<int>& went_on) {
  const Counted local(1);
  co_await lamellar::yield();
  went_on += local.value();
}
Hand sleeps(std::atomic<int>& went_on) {
  const Counted local(1);
  co_await lamellar::sleep_for(10min);
  went_on += local.value();
}
Hand sleeps_until_stopped(std::stop_token token, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await lamellar::sleep_for(10min, token);
  went_on += local.value();
}
TEST_F(Destroy, Idiom80_AtYield) {
  start_and_destroy(yields(went_on));
  EXPECT_EQ(world.block_on(counted(1)).value(), 1);
  EXPECT_EQ(went_on.load(), 0);
}
TEST_F(Destroy, Idiom81_AtATimer) {
  for (int i = 0; i < 10; ++i) start_and_destroy(sleeps(went_on));
  Hand first = sleeps(went_on);
  start(first, world);
  start_and_destroy(sleeps(went_on));
  EXPECT_FALSE(first.done());
}
TEST_F(Destroy, Idiom82_AtATimerThatCanBeStopped) {
  std::stop_source stop;
  start_and_destroy(sleeps_until_stopped(stop.get_token(), went_on));
  stop.request_stop();
  EXPECT_EQ(went_on.load(), 0);
}

// --- 83: locks -----------------------------------------------------------------------------

Hand locks(Mutex& mutex, std::atomic<int>& went_on) {
  const Counted local(1);
  const auto guard = co_await mutex.lock();
  went_on += local.value();
}
Hand holds(Mutex& mutex, Latch& latch) {
  const Counted local(1);
  const auto guard = co_await mutex.lock();
  co_await latch.wait();
}
TEST_F(Destroy, Idiom83_AtAMutex) {
  Mutex mutex;
  auto held = mutex.try_lock();
  start_and_destroy(locks(mutex, went_on));
  // Handed the lock, but not run since: the next one gets it.
  Hand first = locks(mutex, went_on);
  Hand second = locks(mutex, went_on);
  start(first, world);
  start(second, world);
  held.unlock();
  first.destroy();
  EXPECT_FALSE(mutex.try_lock().owns());
  while (!second.done()) world.block_on(counted(1));
  EXPECT_EQ(went_on.load(), 1);
  EXPECT_TRUE(is_free(mutex));
}
TEST_F(Destroy, Idiom84_WithAGuard) {
  Mutex mutex;
  Latch latch(1);
  start_and_destroy(holds(mutex, latch));
  EXPECT_TRUE(is_free(mutex));
}
Hand reads(RwLock& lock, std::atomic<int>& went_on) {
  const Counted local(1);
  const auto guard = co_await lock.lock_shared();
  went_on += local.value();
}
Hand writes(RwLock& lock, std::atomic<int>& went_on) {
  const Counted local(1);
  const auto guard = co_await lock.lock();
  went_on += local.value();
}
TEST_F(Destroy, Idiom85_AtAReaderWriterLock) {
  RwLock lock;
  auto writing = lock.try_lock();
  start_and_destroy(reads(lock, went_on));
  writing.unlock();
  {
    auto reading = lock.try_lock_shared();
    Hand writer = writes(lock, went_on);
    start(writer, world);
    EXPECT_FALSE(lock.try_lock_shared().owns());  // a writer waits
    writer.destroy();
    EXPECT_TRUE(lock.try_lock_shared().owns());
  }
  EXPECT_TRUE(lock.try_lock().owns());
  EXPECT_EQ(went_on.load(), 0);
}
Hand acquires(Semaphore& permits, std::uint64_t count, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await permits.acquire(count);
  went_on += local.value();
}
TEST_F(Destroy, Idiom86_AtASemaphore) {
  Semaphore permits(1);
  start_and_destroy(acquires(permits, 3, went_on));
  EXPECT_TRUE(permits.try_acquire());
  Hand hand = acquires(permits, 2, went_on);
  start(hand, world);
  permits.release(2);
  hand.destroy();
  EXPECT_EQ(permits.available(), 2u);
  EXPECT_EQ(went_on.load(), 0);
}
Hand arrives(Barrier& barrier, std::atomic<int>& went_on) {
  const Counted local(1);
  co_await barrier.arrive_and_wait();
  went_on += local.value();
}
Task<void> arrives_too(Barrier& barrier) { co_await barrier.arrive_and_wait(); }
TEST_F(Destroy, Idiom87_AtABarrier) {
  Barrier barrier(2);
  start_and_destroy(arrives(barrier, went_on));  // it has arrived all the same
  world.block_on(arrives_too(barrier));
  EXPECT_EQ(went_on.load(), 0);
}

// --- 88: channels --------------------------------------------------------------------------

Hand sends(Channel<Counted>& channel, std::atomic<int>& went_on) {
  co_await channel.emplace(7);
  ++went_on;
}
Hand receives(Channel<Counted>& channel, std::atomic<int>& went_on) {
  const Counted local(1);
  const auto value = co_await channel.receive();
  went_on += local.value();
}
TEST_F(Destroy, Idiom88_AtSend) {
  Channel<Counted> channel(0);
  start_and_destroy(sends(channel, went_on));  // its value goes with it
  EXPECT_FALSE(channel.try_receive());
  // Taken, but the sender has not run since: it was sent.
  Hand hand = sends(channel, went_on);
  start(hand, world);
  const auto value = channel.try_receive();
  hand.destroy();
  EXPECT_EQ(value->value(), 7);
  EXPECT_EQ(went_on.load(), 0);
}
TEST_F(Destroy, Idiom89_AtReceive) {
  Channel<Counted> channel(2);
  start_and_destroy(receives(channel, went_on));
  // Handed a value, but not run since: it goes back to its place.
  Hand hand = receives(channel, went_on);
  start(hand, world);
  EXPECT_TRUE(channel.try_send(Counted(1)));
  EXPECT_TRUE(channel.try_send(Counted(2)));
  hand.destroy();
  EXPECT_EQ(channel.try_receive()->value(), 1);
  EXPECT_EQ(channel.try_receive()->value(), 2);
  EXPECT_EQ(went_on.load(), 0);
}

// --- 90: the end of the world --------------------------------------------------------------

Task<void> sleeps_to_the_end(std::atomic<int>& ended) {
  const Counted local(1);
  try {
    co_await lamellar::sleep_for(10min);
  } catch (const lamellar::WorldEnded&) {
    ended += local.value();
  }
}
TEST_F(Balanced, Idiom90_SleepersOfAWorldThatEnds) {
  std::atomic<int> ended{0};
  {
    const World world = WorldBuilder().force_num_pes(1).force_threads(2).init();
    for (int i = 0; i < 10; ++i) static_cast<void>(world.spawn(sleeps_to_the_end(ended)));
  }
  EXPECT_EQ(ended.load(), 10);
}

}  // namespace idioms::destroy

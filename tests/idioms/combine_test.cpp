// when_all, when_any, yield, sleeping, time-outs, stopping.
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

#include "idioms/idioms.hpp"

namespace idioms::combine {

using lamellar::Cancelled;
using lamellar::TimedOut;
using namespace std::chrono_literals;

Task<Counted> after(int value, std::chrono::nanoseconds delay) {
  co_await lamellar::sleep_for(delay);
  co_return Counted(value);
}
Task<int> fails_after(std::string text, std::chrono::nanoseconds delay) {
  const Counted local(1);
  co_await lamellar::sleep_for(delay);
  const int value = co_await fails(text);
  co_return value + local.value();
}
template <class T>
Task<std::string> error_of(Task<T> task) {
  std::string text = "none";
  try {
    static_cast<void>(co_await std::move(task));  // a guard, maybe
  } catch (const TimedOut&) {
    text = "timed out";
  } catch (const Cancelled&) {
    text = "cancelled";
  } catch (const Failure& failure) {
    text = failure.what();
  }
  co_return text;
}

// --- 41: when_all of a vector --------------------------------------------------------------

Task<int> all_of_vectors(World world) {
  std::vector<Future<Counted>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(world.spawn(counted(i)));
  const std::vector<Counted> values = co_await lamellar::when_all(std::move(futures));
  int sum = 0;
  for (int i = 0; i < 5; ++i) sum += values[static_cast<std::size_t>(i)].value() == i ? 1 : 100;
  std::vector<Future<void>> nothings;
  for (int i = 0; i < 5; ++i) nothings.push_back(world.spawn([] {}));
  co_await lamellar::when_all(std::move(nothings));
  std::vector<Future<Counted>> none;
  const auto empty = co_await lamellar::when_all(std::move(none));
  co_return sum + static_cast<int>(empty.size());
}
TEST_F(ThreeThreads, Idiom41_WhenAllOfAVector) {
  EXPECT_EQ(world.block_on(all_of_vectors(world)), 5);
}

// --- 42: when_all of several types ---------------------------------------------------------

Task<int> all_of_types(World world) {
  auto value = world.spawn(counted(1));
  auto nothing = world.spawn([] {});
  auto owned = world.spawn([] { return std::make_unique<Counted>(2); });
  auto text = world.spawn([] { return std::string(kLong); });
  auto all = co_await lamellar::when_all(std::move(value), std::move(nothing), std::move(owned),
                                         std::move(text));
  auto& [one, none, two, three] = all;
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(none)>, std::monostate>);
  co_return one.value() + two->value() + (three == kLong ? 4 : 1000);
}
TEST_F(ThreeThreads, Idiom42_WhenAllOfSeveralTypes) {
  EXPECT_EQ(world.block_on(all_of_types(world)), 7);
}

// --- 43: when_all of tasks -----------------------------------------------------------------

Task<int> meets(std::atomic<int>& here, int count) {
  const Counted local(1);
  ++here;
  while (here.load() < count) co_await lamellar::yield();
  co_return local.value();
}
Task<int> all_of_tasks() {
  std::atomic<int> here{0};
  // Each ends only when all have begun: they run side by side.
  auto first = meets(here, 3);
  auto second = meets(here, 3);
  auto both = co_await lamellar::when_all(std::move(first), meets(here, 3), std::move(second));
  std::vector<Task<Counted>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(counted(i));
  const auto values = co_await lamellar::when_all(std::move(tasks));
  co_return std::get<0>(both) + std::get<1>(both) + std::get<2>(both) + values.back().value();
}
TEST_F(ThreeThreads, Idiom43_WhenAllOfTasks) { EXPECT_EQ(world.block_on(all_of_tasks()), 12); }

// --- 44: when_all inside when_all, kept, dropped -------------------------------------------

Task<int> four() { co_return 4; }
Task<int> nested() {
  auto inner = lamellar::when_all(counted(1), counted(2));
  auto other = lamellar::when_all(counted(3), four());
  auto all = co_await lamellar::when_all(std::move(inner), std::move(other));
  auto& [left, right] = all;
  co_return std::get<0>(left).value() + std::get<1>(left).value() + std::get<0>(right).value() +
      std::get<1>(right);
}
TEST_F(ThreeThreads, Idiom44_WhenAllInsideWhenAll) {
  EXPECT_EQ(world.block_on(nested()), 10);
}
Task<int> kept_and_dropped(World world) {
  { auto never = lamellar::when_all(counted(1), counted(2)); }  // these do not start
  {
    auto started = world.spawn(counted(3));
    auto never = lamellar::when_all(std::move(started));  // this one runs, detached
  }
  auto kept = lamellar::when_all(counted(4), counted(5));
  co_await lamellar::yield();
  auto spawned = world.spawn(std::move(kept));
  auto both = co_await spawned;
  co_return std::get<0>(both).value() + std::get<1>(both).value();
}
TEST_F(ThreeThreads, Idiom45_WhenAllKeptAndDropped) {
  EXPECT_EQ(world.block_on(kept_and_dropped(world)), 9);
}

// --- 46: failures in when_all --------------------------------------------------------------

Task<int> fails_late(World world) {
  auto late = fails_after("first in order", 50ms);
  auto soon = fails_after("first in time", 1ms);
  auto fine = after(1, 100ms);
  const auto before = lamellar::Clock::now();
  const std::string text =
      co_await error_of(lamellar::when_all(std::move(late), std::move(fine), std::move(soon)));
  const bool all_ended = lamellar::Clock::now() - before >= 100ms;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(world.spawn(fails("of three")));
  const std::string other = co_await error_of(lamellar::when_all(std::move(futures)));
  co_return (text == "first in order" ? 1 : 0) + (all_ended ? 2 : 0) +
      (other == "of three" ? 4 : 0);
}
TEST_F(VirtualTime, Idiom46_FailuresInWhenAll) {
  run([](World& world) { EXPECT_EQ(world.block_on(fails_late(world)), 7); });
}

// --- 47: when_any --------------------------------------------------------------------------

Task<std::string> any_of_vector(World world) {
  std::vector<Future<Counted>> futures;
  for (const int value : {30, 10, 20})
    futures.push_back(world.spawn(after(value, std::chrono::milliseconds(value))));
  std::string order;
  while (!futures.empty()) {
    const std::size_t index = co_await lamellar::when_any(futures);
    const Counted value = co_await futures[index];
    order += std::to_string(value.value()) + " ";
    futures.erase(futures.begin() + static_cast<std::ptrdiff_t>(index));
  }
  co_return order;
}
TEST_F(VirtualTime, Idiom47_WhenAnyUntilAllAreThere) {
  run([](World& world) { EXPECT_EQ(world.block_on(any_of_vector(world)), "10 20 30 "); });
}
Task<std::string> any_of_types(World world) {
  auto value = world.spawn(after(1, 30ms));
  auto failure = world.spawn(fails_after("soon", 10ms));
  auto nothing = world.spawn([] {});
  std::string text = std::to_string(co_await lamellar::when_any(value, failure, nothing));
  text += std::to_string(co_await lamellar::when_any(value, nothing));  // done: it stays the first
  co_await nothing;
  // A failure wins like a value; it is thrown when that future is awaited.
  text += std::to_string(co_await lamellar::when_any(value, failure));
  try {
    co_await failure;
  } catch (const Failure& caught) {
    text += caught.what();
  }
  const Counted last = co_await value;
  co_return text + std::to_string(last.value());
}
TEST_F(VirtualTime, Idiom48_WhenAnyOfSeveralTypes) {
  run([](World& world) { EXPECT_EQ(world.block_on(any_of_types(world)), "211soon1"); });
}
// A limit that keeps the future: with_timeout would give it up.
Task<int> waits_in_portions(World world) {
  auto work = world.spawn(after(5, 35ms));
  int portions = 0;
  for (;;) {
    auto limit = world.spawn(after(0, 10ms));
    const std::size_t first = co_await lamellar::when_any(work, limit);
    if (first == 0) break;
    ++portions;
  }
  const Counted value = co_await work;
  co_return portions * 10 + value.value();
}
TEST_F(VirtualTime, Idiom49_WhenAnyWithATimer) {
  run([](World& world) { EXPECT_EQ(world.block_on(waits_in_portions(world)), 35); });
}

// --- 50: yield, sleep, Clock ---------------------------------------------------------------

Task<int> yields(int count) {
  const Counted local(1);
  for (int i = 0; i < count; ++i) co_await lamellar::yield();
  co_return local.value();
}
TEST_F(ThreeThreads, Idiom50_YieldInALoop) {
  std::vector<Future<int>> all;
  for (int i = 0; i < 4; ++i) all.push_back(world.spawn(yields(20'000)));
  for (auto& one : all) EXPECT_EQ(one.block(), 1);
}
Task<std::string> sleeps() {
  std::string order;
  const auto begin = lamellar::Clock::now();
  co_await lamellar::sleep_for(10ms);
  co_await lamellar::sleep_until(begin + 30ms);
  co_await lamellar::sleep_until(begin + 5ms);  // is over
  co_await lamellar::sleep_for(0ms);
  co_await lamellar::sleep_for(-1h);
  const lamellar::Clock::duration slept = lamellar::Clock::now() - begin;
  co_return slept >= 30ms && slept < 31ms ? "slept" : std::to_string(slept.count());
}
TEST_F(VirtualTime, Idiom51_Sleeping) {
  run([](World& world) { EXPECT_EQ(world.block_on(sleeps()), "slept"); });
}
Task<std::string> sleeps_until_stopped(std::chrono::nanoseconds delay, std::stop_token token) {
  const Counted local(1);
  co_return co_await error_of(lamellar::sleep_for(delay, token));
}
Task<std::string> stops_sleepers(World world) {
  std::stop_source stop;
  auto ends = world.spawn(sleeps_until_stopped(5ms, stop.get_token()));
  auto is_stopped = world.spawn(sleeps_until_stopped(10min, stop.get_token()));
  co_await lamellar::sleep_for(20ms);
  const auto before = lamellar::Clock::now();
  stop.request_stop();
  std::string text = co_await ends;
  text += " " + co_await is_stopped;
  text += " " + co_await sleeps_until_stopped(10min, stop.get_token());  // stopped before
  text += " " + co_await sleeps_until_stopped(1ms, std::stop_token());   // nobody can
  if (lamellar::Clock::now() - before > 1min) text += " late";
  co_return text;
}
TEST_F(VirtualTime, Idiom52_SleepsThatAreStopped) {
  run([](World& world) {
    EXPECT_EQ(world.block_on(stops_sleepers(world)), "none cancelled cancelled none");
  });
}

// --- 53: time-outs -------------------------------------------------------------------------

Task<std::string> limits(World world) {
  auto soon = world.spawn(after(1, 5ms));
  const Counted in_time = co_await lamellar::with_timeout(std::move(soon), 50ms);
  std::string text = std::to_string(in_time.value());
  auto late = world.spawn(after(2, 50ms));
  text += " " + co_await error_of(lamellar::with_timeout(std::move(late), 5ms));
  auto failure = world.spawn(fails_after("inner", 5ms));
  text += " " + co_await error_of(lamellar::with_timeout(std::move(failure), 50ms));
  auto late_failure = world.spawn([] {});
  co_await lamellar::with_timeout(std::move(late_failure), 1h);
  auto never = world.spawn(after(3, 50ms));
  text += " " + co_await error_of(lamellar::with_timeout(std::move(never), -1ms));
  auto done = world.spawn([] { return 4; });
  while (!done.ready()) co_await lamellar::yield();
  text += " " + std::to_string(co_await lamellar::with_timeout(std::move(done), 0ms));
  co_return text;
}
TEST_F(VirtualTime, Idiom53_TimeOutsThatWinAndLose) {
  run([](World& world) {
    EXPECT_EQ(world.block_on(limits(world)), "1 timed out inner timed out 4");
  });
}
Task<std::string> limits_and_stops(World world) {
  std::string text;
  std::stop_source stop;
  auto soon = world.spawn(after(1, 5ms));
  text += co_await error_of(lamellar::with_timeout(std::move(soon), 50ms, stop.get_token()));
  auto late = world.spawn(after(1, 50ms));
  text += " " + co_await error_of(
                    lamellar::with_timeout(std::move(late), 5ms, stop.get_token()));
  auto stops = [](std::stop_source source) -> Task<void> {
    co_await lamellar::sleep_for(10ms);
    source.request_stop();
  };
  auto stopping = world.spawn(stops(stop));
  auto stopped = world.spawn(after(1, 50ms));
  text += " " + co_await error_of(
                    lamellar::with_timeout(std::move(stopped), 40ms, stop.get_token()));
  co_await stopping;
  co_return text;
}
TEST_F(VirtualTime, Idiom54_TimeOutsThatCanBeStopped) {
  run([](World& world) {
    EXPECT_EQ(world.block_on(limits_and_stops(world)), "none timed out cancelled");
  });
}

// --- 55: stopping --------------------------------------------------------------------------

Task<std::string> stops_waits(World world) {
  std::stop_source stop;
  auto before = world.spawn(after(1, 1ms));
  std::string text = co_await error_of(lamellar::with_stop(std::move(before), stop.get_token()));
  auto during = world.spawn(
      error_of(lamellar::with_stop(world.spawn(after(2, 50ms)), stop.get_token())));
  co_await lamellar::sleep_for(10ms);
  stop.request_stop();
  text += " " + co_await during;
  auto later = world.spawn(after(3, 1ms));
  text += " " + co_await error_of(lamellar::with_stop(std::move(later), stop.get_token()));
  co_return text;
}
TEST_F(VirtualTime, Idiom55_WaitsThatAreStopped) {
  run([](World& world) {
    EXPECT_EQ(world.block_on(stops_waits(world)), "none cancelled cancelled");
  });
}
TEST_F(ThreeThreads, Idiom56_StoppedByAnotherThread) {
  for (int round = 0; round < 100; ++round) {
    std::stop_source stop;
    auto sleeping = world.spawn(sleeps_until_stopped(10min, stop.get_token()));
    auto waiting = world.spawn(error_of(
        lamellar::with_stop(world.spawn(sleeps_until_stopped(10min, stop.get_token())),
                            stop.get_token())));
    std::thread other([&] { stop.request_stop(); });
    EXPECT_EQ(sleeping.block(), "cancelled");
    // The work sees the same stop, and may end first.
    const std::string text = waiting.block();
    EXPECT_TRUE(text == "cancelled" || text == "none") << text;
    other.join();
  }
}
// A token that is looked at between awaits, and one that closes a channel.
Task<int> looks(std::stop_token token) {
  const Counted local(1);
  int rounds = 0;
  while (!token.stop_requested()) {
    co_await lamellar::yield();
    ++rounds;
  }
  co_return rounds;
}
Task<int> drains(std::shared_ptr<lamellar::Channel<Counted>> channel, std::stop_token token) {
  const std::stop_callback closes(token, [&channel] { channel->close(); });
  int count = 0;
  for (;;) {
    const auto value = co_await channel->receive();
    if (!value) co_return count;
    count += value->value();
  }
}
TEST_F(ThreeThreads, Idiom57_WorkThatLooksAtItsToken) {
  std::stop_source stop;
  auto channel = std::make_shared<lamellar::Channel<Counted>>(4);
  auto looking = world.spawn(looks(stop.get_token()));
  auto draining = world.spawn(drains(channel, stop.get_token()));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(channel->try_send(Counted(1)));
  stop.request_stop();
  EXPECT_GE(looking.block(), 0);
  EXPECT_EQ(draining.block(), 3);
}

// What is waited for goes on: a guard that it gets later is given back at once, not to the caller.
Task<lamellar::Mutex::Guard> locks(lamellar::Mutex& mutex) { co_return co_await mutex.lock(); }
Task<std::string> limited_lock(World world, lamellar::Mutex& mutex) {
  auto held = mutex.try_lock();
  auto locking = world.spawn(locks(mutex));
  std::string text = co_await error_of(lamellar::with_timeout(std::move(locking), 5ms));
  held.unlock();
  auto again = world.spawn(locks(mutex));
  const auto guard = co_await lamellar::with_timeout(std::move(again), 5ms);
  co_return text + (guard.owns() ? " locked" : "");
}
TEST_F(VirtualTime, Idiom58_ALockWithATimeOut) {
  run([](World& world) {
    lamellar::Mutex mutex;
    EXPECT_EQ(world.block_on(limited_lock(world, mutex)), "timed out locked");
    EXPECT_TRUE(is_free(mutex));
  });
}

}  // namespace idioms::combine

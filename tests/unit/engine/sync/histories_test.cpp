// Histories of few operations under many schedules: each must be one that a sequential object
// explains. LAMELLAR_TEST_SCHEDULES says how many schedules of each kind, LAMELLAR_TEST_SEED which
// one alone.
#include <gtest/gtest.h>
#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>

#include <deque>

#include "base/clock/rng.hpp"
#include "support/seeds.hpp"
#include "engine/sync/planted.hpp"
#include "support/linearize.hpp"
#include "unit/engine/sync/fixture.hpp"

namespace sync_test {
namespace {

using lamellar::Barrier;
using lamellar::Channel;
using lamellar::ChannelClosed;
using lamellar::Mutex;
using lamellar::RwLock;
using lamellar::Semaphore;
using lamellar::testing_support::for_seeds;
using lamellar::testing_support::Call;
using lamellar::testing_support::History;
using lamellar::testing_support::linearizable;
using lamellar::testing_support::schedules;

constexpr int kTasks = 3;
constexpr int kOperations = 4;

// What a task does between its operations: nothing, or let others go first.
bool pauses(base::Rng& rng) { return rng.next() % 3 == 0; }

template <class Model, class Operation>
void expect_explained(const History<Operation>& history, const Model& initial) {
  const auto calls = history.calls();
  EXPECT_TRUE(linearizable(calls, initial)) << to_string(calls);
}

// --- locks ---------------------------------------------------------------------------------

enum class Act : std::uint8_t { kTake, kTryTake, kGive };

// Of a number of permits; locks are that, too.
struct PermitOperation {
  Act act = Act::kTake;
  std::uint64_t amount = 1;
  bool done = true;  // false: it was tried in vain
};
[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const PermitOperation& operation) {
  constexpr const char* kNames[] = {"take ", "try to take ", "give "};
  out << kNames[static_cast<int>(operation.act)] << operation.amount;
  return operation.done ? out : out << ": not";
}

struct PermitModel {
  std::uint64_t permits = 0;
  std::uint64_t none_below = 1;  // trying for less than there is may fail from here on
  bool apply(const PermitOperation& operation, bool) {
    if (operation.act == Act::kGive) {
      permits += operation.amount;
      return true;
    }
    if (!operation.done) return permits < std::max(operation.amount, none_below);
    if (permits < operation.amount) return false;
    permits -= operation.amount;
    return true;
  }
  bool operator<(const PermitModel& other) const { return permits < other.permits; }
};

using PermitHistory = History<PermitOperation>;

void gives(PermitHistory& history, Semaphore& semaphore, std::uint64_t amount) {
  const std::size_t call = history.call({Act::kGive, amount, true});
  semaphore.release(amount);
  history.returned(call);
}

Task<> uses_semaphore(Semaphore& semaphore, PermitHistory& history, std::uint64_t seed,
                      std::uint64_t most) {
  base::Rng rng(seed);
  for (int i = 0; i < kOperations / 2; ++i) {
    const std::uint64_t amount = rng.next() % most + 1;
    bool taken = true;
    // Who tries may be turned away by somebody who waits for more than there is.
    if (most == 1 && rng.next() % 3 == 0) {
      const std::size_t call = history.call({Act::kTryTake, amount, true});
      taken = semaphore.try_acquire(amount);
      history.operation(call).done = taken;
      history.returned(call);
    } else {
      const std::size_t call = history.call({Act::kTake, amount, true});
      co_await semaphore.acquire(amount);
      history.returned(call);
    }
    if (pauses(rng)) co_await lamellar::yield();
    if (taken) gives(history, semaphore, amount);
  }
}

void semaphore_histories(std::uint64_t permits, std::uint64_t most) {
  for_seeds(schedules(1000), [&](std::uint64_t seed) {
    House house(2);
    Semaphore semaphore(permits);
    PermitHistory history(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(detail::start_task(
          house.scheduler, uses_semaphore(semaphore, history, seed * kTasks + i, most)));
    for (auto& future : futures) future.block();
    EXPECT_EQ(permits, semaphore.available());
    PermitModel model;
    model.permits = permits;
    expect_explained(history, model);
  });
}

TEST(Histories, OfASemaphore) { semaphore_histories(2, 1); }
TEST(Histories, OfASemaphoreAskedForSeveral) { semaphore_histories(3, 3); }

template <class Taken>
void let_go(PermitHistory& history, Taken& guard, std::uint64_t amount) {
  if (!guard) return;
  const std::size_t call = history.call({Act::kGive, amount, true});
  guard.unlock();
  history.returned(call);
}

template <class Taken>
void note_try(PermitHistory& history, std::size_t call, const Taken& guard) {
  history.operation(call).done = guard.owns();
  history.returned(call);
}

Task<> uses_mutex(Mutex& mutex, PermitHistory& history, std::uint64_t seed, int& inside) {
  base::Rng rng(seed);
  for (int i = 0; i < kOperations / 2; ++i) {
    Mutex::Guard guard;
    if (rng.next() % 3 == 0) {
      const std::size_t call = history.call({Act::kTryTake, 1, true});
      guard = mutex.try_lock();
      note_try(history, call, guard);
    } else {
      const std::size_t call = history.call({Act::kTake, 1, true});
      guard = co_await mutex.lock();
      history.returned(call);
    }
    if (guard) ++inside;
    EXPECT_LE(inside, 1);
    if (pauses(rng)) co_await lamellar::yield();
    if (guard) --inside;
    let_go(history, guard, 1);
  }
}

TEST(Histories, OfAMutex) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    House house(2);
    Mutex mutex;
    int inside = 0;
    PermitHistory history(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(detail::start_task(
          house.scheduler, uses_mutex(mutex, history, seed * kTasks + i, inside)));
    for (auto& future : futures) future.block();
    EXPECT_TRUE(mutex.try_lock());
    PermitModel model;
    model.permits = 1;
    expect_explained(history, model);
  });
}

constexpr std::uint64_t kAll = 10;  // what a writer takes in the model

Task<> uses_rw_lock(RwLock& lock, PermitHistory& history, std::uint64_t seed) {
  base::Rng rng(seed);
  for (int i = 0; i < kOperations / 2; ++i) {
    const bool tries = rng.next() % 3 == 0;
    if (rng.next() % 2 == 0) {
      const std::size_t call = history.call({tries ? Act::kTryTake : Act::kTake, kAll, true});
      RwLock::Guard guard;
      if (tries)
        guard = lock.try_lock();
      else
        guard = co_await lock.lock();
      note_try(history, call, guard);
      if (pauses(rng)) co_await lamellar::yield();
      let_go(history, guard, kAll);
    } else {
      const std::size_t call = history.call({tries ? Act::kTryTake : Act::kTake, 1, true});
      RwLock::SharedGuard guard;
      if (tries)
        guard = lock.try_lock_shared();
      else
        guard = co_await lock.lock_shared();
      note_try(history, call, guard);
      if (pauses(rng)) co_await lamellar::yield();
      let_go(history, guard, 1);
    }
  }
}

TEST(Histories, OfAReaderWriterLock) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    House house(2);
    RwLock lock;
    PermitHistory history(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(
          detail::start_task(house.scheduler, uses_rw_lock(lock, history, seed * kTasks + i)));
    for (auto& future : futures) future.block();
    EXPECT_TRUE(lock.try_lock());
    PermitModel model;
    model.permits = kAll;
    model.none_below = kAll;  // a reader may be turned away for a writer that waits
    expect_explained(history, model);
  });
}

// --- rounds --------------------------------------------------------------------------------

Task<> goes_round(Barrier& barrier, History<int>& history, std::uint64_t seed) {
  base::Rng rng(seed);
  for (int round = 0; round < kOperations; ++round) {
    const std::size_t call = history.call(int(round));
    co_await barrier.arrive_and_wait();
    history.returned(call);
    if (pauses(rng)) co_await lamellar::yield();
  }
}

TEST(Histories, OfABarrier) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    House house(2);
    Barrier barrier(kTasks);
    History<int> history(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(
          detail::start_task(house.scheduler, goes_round(barrier, history, seed * kTasks + i)));
    for (auto& future : futures) future.block();
    const auto calls = history.calls();
    for (const auto& one : calls)
      for (const auto& other : calls)
        EXPECT_TRUE(one.operation != other.operation || one.called < other.returned);
  });
}

// --- channels ------------------------------------------------------------------------------

struct ChannelOperation {
  enum class Act : std::uint8_t { kSend, kTrySend, kReceive, kTryReceive, kClose };
  enum class Outcome : std::uint8_t { kDone, kNot, kClosed };  // kNot: full, or empty
  Act act = Act::kSend;
  int value = 0;
  Outcome outcome = Outcome::kDone;
};
using ChannelAct = ChannelOperation::Act;
using Outcome = ChannelOperation::Outcome;

[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const ChannelOperation& operation) {
  constexpr const char* kActs[] = {"send ", "try to send ", "receive ", "try to receive ",
                                    "close "};
  constexpr const char* kOutcomes[] = {"", ": not", ": closed"};
  return out << kActs[static_cast<int>(operation.act)] << operation.value
             << kOutcomes[static_cast<int>(operation.outcome)];
}

struct ChannelModel {
  std::size_t capacity = 0;
  std::deque<int> values;
  bool closed = false;

  // Without capacity a value is received in the very moment in which it is sent.
  bool passing() const { return capacity == 0 && !values.empty(); }
  bool send(const ChannelOperation& operation) {
    if (operation.outcome == Outcome::kClosed) return closed;
    if (operation.outcome == Outcome::kNot) return !closed && values.size() >= capacity;
    if (closed || values.size() >= std::max<std::size_t>(capacity, 1)) return false;
    values.push_back(operation.value);
    return true;
  }
  bool receive(const ChannelOperation& operation) {
    if (operation.outcome == Outcome::kClosed) return closed && values.empty();
    if (operation.outcome == Outcome::kNot) return values.empty();
    if (values.empty() || values.front() != operation.value) return false;
    values.pop_front();
    return true;
  }
  bool apply(const ChannelOperation& operation, bool) {
    const bool receives =
        operation.act == ChannelAct::kReceive || operation.act == ChannelAct::kTryReceive;
    if (passing() && !(receives && operation.outcome == Outcome::kDone)) return false;
    if (operation.act == ChannelAct::kClose) return closed = true;
    return receives ? receive(operation) : send(operation);
  }
  bool operator<(const ChannelModel& other) const {
    return std::tie(values, closed) < std::tie(other.values, other.closed);
  }
};

using ChannelHistory = History<ChannelOperation>;

Task<> sends_noted(Channel<int>& channel, ChannelHistory& history, int value, bool tries) {
  const std::size_t call =
      history.call({tries ? ChannelAct::kTrySend : ChannelAct::kSend, value, Outcome::kDone});
  try {
    if (!tries)
      co_await channel.send(value);
    else if (!channel.try_send(value))
      history.operation(call).outcome = Outcome::kNot;
  } catch (const ChannelClosed&) {
    history.operation(call).outcome = Outcome::kClosed;
  }
  history.returned(call);
}

void note_received(ChannelHistory& history, std::size_t call, std::optional<int> value,
                   Outcome otherwise) {
  history.operation(call).value = value.value_or(0);
  if (!value) history.operation(call).outcome = otherwise;
  history.returned(call);
}

bool tries_to_receive(Channel<int>& channel, ChannelHistory& history) {
  const std::size_t call = history.call({ChannelAct::kTryReceive, 0, Outcome::kDone});
  const std::optional<int> value = channel.try_receive();
  note_received(history, call, value, Outcome::kNot);
  return value.has_value();
}

Task<> uses_channel(Channel<int>& channel, ChannelHistory& history, std::uint64_t seed, int task) {
  base::Rng rng(seed);
  for (int i = 0; i < kOperations; ++i) {
    const std::uint64_t act = rng.next() % 8;
    if (act < 4) {
      co_await sends_noted(channel, history, 10 * (task + 1) + i, act == 0);
    } else if (act < 7) {
      const std::size_t call = history.call({ChannelAct::kReceive, 0, Outcome::kDone});
      const std::optional<int> value = co_await channel.receive();
      note_received(history, call, value, Outcome::kClosed);
    } else {
      tries_to_receive(channel, history);
    }
    if (pauses(rng)) co_await lamellar::yield();
  }
}

bool all_ready(const std::vector<Future<void>>& futures) {
  return std::all_of(futures.begin(), futures.end(),
                     [](const auto& future) { return future.ready(); });
}

// Somebody closes it when all are done, or somewhat earlier: some of them may wait for ever.
void channel_histories(std::size_t capacity) {
  for_seeds(schedules(1000), [&](std::uint64_t seed) {
    House house(2);
    Channel<int> channel(capacity);
    ChannelHistory history(4 * kTasks * kOperations);
    base::Rng rng(seed);
    std::vector<Future<void>> futures;
    for (int i = 0; i < kTasks; ++i)
      futures.push_back(
          detail::start_task(house.scheduler, uses_channel(channel, history, rng.next(), i)));
    for (std::uint64_t i = rng.next() % 300; i != 0 && !all_ready(futures); --i)
      base::yield_thread();
    const std::size_t call = history.call({ChannelAct::kClose, 0, Outcome::kDone});
    channel.close();
    history.returned(call);
    for (auto& future : futures) future.block();
    while (tries_to_receive(channel, history)) {
    }
    ChannelModel model;
    model.capacity = capacity;
    expect_explained(history, model);
  });
}

TEST(Histories, OfAChannelWithoutPlaces) { channel_histories(0); }
TEST(Histories, OfAChannelWithOnePlace) { channel_histories(1); }
TEST(Histories, OfAChannelWithThreePlaces) { channel_histories(3); }

// --- destroyed while they wait -------------------------------------------------------------

Hand takes_and_gives(Semaphore& semaphore) { const auto guard = co_await semaphore.hold(); }

// While others take and give, coroutines of this thread begin to wait and are destroyed, before or
// after they were granted a permit: none is lost.
TEST(Histories, OfASemaphoreWithWaitersThatAreDestroyed) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    House others(2);
    Bench mine;
    const std::uint64_t permits = seed % 2 + 1;
    Semaphore semaphore(permits);
    PermitHistory history(kTasks * kOperations);
    base::Rng rng(seed);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(detail::start_task(
          others.scheduler, uses_semaphore(semaphore, history, seed * kTasks + i, 1)));
    for (int i = 0; i < kOperations; ++i) {
      Hand hand = mine.start(takes_and_gives(semaphore));
      for (std::uint64_t steps = rng.next() % 10; steps != 0; --steps) base::yield_thread();
      if (rng.next() % 3 == 0) mine.work();
    }
    for (auto& future : futures) future.block();
    EXPECT_EQ(permits, semaphore.available());
  });
}

Hand receives_into(Channel<int>& channel, std::vector<int>& seen) {
  const std::optional<int> value = co_await channel.receive();
  if (value) ++seen[static_cast<std::size_t>(*value)];
}

Task<> sends_all(Channel<int>& channel, int first) {
  for (int i = 0; i < kOperations; ++i) co_await channel.send(first + i);
}

// No value is lost with a receiver that is destroyed, and none is received twice.
TEST(Histories, OfAChannelWithReceiversThatAreDestroyed) {
  for_seeds(schedules(1000), [](std::uint64_t seed) {
    House others(2);
    Bench mine;
    base::Rng rng(seed);
    Channel<int> channel(rng.next() % 3);
    std::vector<int> seen(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (int i = 0; i < kTasks; ++i)
      futures.push_back(
          detail::start_task(others.scheduler, sends_all(channel, i * kOperations)));
    while (!all_ready(futures)) {
      Hand hand = mine.start(receives_into(channel, seen));
      for (std::uint64_t steps = rng.next() % 10; steps != 0; --steps) base::yield_thread();
      if (rng.next() % 3 == 0) mine.work();
    }
    for (auto& future : futures) future.block();
    while (const std::optional<int> value = channel.try_receive())
      ++seen[static_cast<std::size_t>(*value)];
    for (const int times : seen) EXPECT_EQ(1, times);
  });
}

// --- the search itself ---------------------------------------------------------------------

// Whether a permit is gone at the end, or somebody waits for it: then another one helps out.
bool loses_a_permit(std::uint64_t seed) {
  bool lost = false;
  base::Sim sim(seed);
  sim.run([&] {
    House house(2);
    Semaphore semaphore(1);
    PermitHistory history(kTasks * kOperations);
    std::vector<Future<void>> futures;
    for (std::uint64_t i = 0; i < kTasks; ++i)
      futures.push_back(detail::start_task(
          house.scheduler, uses_semaphore(semaphore, history, seed * kTasks + i, 1)));
    for (int i = 0; !all_ready(futures); ++i) {
      base::yield_thread();
      if (i % 10'000 == 9'999) {
        lost = true;
        semaphore.release();
      }
    }
    lost = lost || semaphore.available() != 1;
    for (auto& future : futures) future.block();
  });
  return lost;
}

TEST(Histories, TheSearchFindsALostPermit) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) EXPECT_FALSE(loses_a_permit(seed)) << seed;
  lamellar::engine::g_planted_lost_permit.store(true);
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 1000 && found == 0; ++seed)
    if (loses_a_permit(seed)) found = seed;
  lamellar::engine::g_planted_lost_permit.store(false);
  EXPECT_NE(0u, found);
  RecordProperty("seed", std::to_string(found));
}

}  // namespace
}  // namespace sync_test

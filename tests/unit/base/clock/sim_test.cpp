#include "base/clock/sim.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/clock/event_count.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/thread.hpp"

namespace lamellar::base {
namespace {

struct Trace {
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  std::string order;
};

// Three threads that write their letters, with points in between.
Trace letters(std::uint64_t seed) {
  Sim sim(seed);
  Trace trace;
  sim.run([&] {
    std::vector<std::unique_ptr<Thread>> threads;
    for (const char letter : {'a', 'b', 'c'})
      threads.push_back(std::make_unique<Thread>("letter", [&trace, letter] {
        for (int i = 0; i < 5; ++i) {
          trace.order += letter;  // no lock: one thread runs at a time
          sim_point();
        }
      }));
  });
  trace.hash = sim.trace_hash();
  trace.steps = sim.steps();
  return trace;
}

TEST(Sim, OneSeedIsOneOrder) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Trace first = letters(seed);
    EXPECT_EQ(15u, first.order.size());
    for (int again = 0; again < 3; ++again) {
      const Trace other = letters(seed);
      EXPECT_EQ(first.order, other.order);
      EXPECT_EQ(first.hash, other.hash);
      EXPECT_EQ(first.steps, other.steps);
    }
  }
}

TEST(Sim, OtherSeedsAreOtherOrders) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) orders.insert(letters(seed).order);
  EXPECT_EQ(10u, orders.size());
}

TEST(Sim, TimeIsVirtual) {
  const std::uint64_t real = now_ns();
  Sim sim(7);
  sim.run([] {
    constexpr std::uint64_t kHour = 3'600'000'000'000;
    std::atomic<std::uint32_t> word{0};
    const std::uint64_t start = now_ns();
    EXPECT_FALSE(futex_wait(word, 0, start + kHour));
    EXPECT_GE(now_ns(), start + kHour);
    EXPECT_LT(now_ns(), start + kHour + 1'000'000);
  });
  EXPECT_LT(now_ns() - real, 3'600'000'000'000u);
}

// Timers go off in the order of their times, whatever the seed.
TEST(Sim, TimersGoOffInOrder) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::string order;
    Sim sim(seed);
    sim.run([&] {
      const std::uint64_t start = now_ns();
      std::vector<std::unique_ptr<Thread>> threads;
      for (const int tick : {3, 1, 2})
        threads.push_back(std::make_unique<Thread>("timer", [&order, start, tick] {
          std::atomic<std::uint32_t> word{0};
          futex_wait(word, 0, start + static_cast<std::uint64_t>(tick) * 1'000'000'000);
          order += static_cast<char>('0' + tick);
        }));
    });
    EXPECT_EQ("123", order) << seed;
  }
}

TEST(Sim, ATimerGoesOffWhileOthersSpin) {
  Sim sim(3);
  sim.run([&] {
    const std::uint64_t deadline = now_ns() + 10'000;
    std::uint64_t woke = 0;
    Thread sleeper("sleeper", [&] {
      std::atomic<std::uint32_t> word{0};
      futex_wait(word, 0, deadline);
      woke = now_ns();
    });
    for (int looks = 0; looks < 1000 && woke == 0; ++looks) yield_thread();
    EXPECT_GE(woke, deadline);
  });
}

TEST(Sim, RandomnessAndCpusComeFromTheSeed) {
  const auto draw = [](std::uint64_t seed) {
    std::uint64_t value = 0;
    Sim sim(seed);
    sim.run([&] {
      EXPECT_EQ(&sim, t_sim);
      value = random_u64();
    });
    return value;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  EXPECT_EQ(nullptr, t_sim);
}

TEST(Sim, AnExceptionLeavesIt) {
  Sim sim(1);
  EXPECT_THROW(sim.run([] { throw std::runtime_error("out"); }), std::runtime_error);
  EXPECT_EQ(nullptr, t_sim);
}

TEST(Sim, AMutexSwitchesThreadsWhereItIsTaken) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    int counter = 0;
    Sim sim(seed);
    sim.run([&] {
      Mutex mutex;
      std::vector<std::unique_ptr<Thread>> threads;
      for (int i = 0; i < 3; ++i)
        threads.push_back(std::make_unique<Thread>("mutex", [&] {
          for (int n = 0; n < 10; ++n) {
            Lock lock(mutex);
            const int before = counter;
            sim_point();  // others run, but not past the lock
            counter = before + 1;
          }
        }));
    });
    EXPECT_EQ(30, counter) << seed;
  }
}

// Thread-local objects end inside the simulation too, before their thread can be joined.
TEST(Sim, ThreadLocalsEndInside) {
  struct AtEnd {
    int* points = nullptr;
    ~AtEnd() {
      EXPECT_NE(nullptr, t_sim);
      for (int i = 0; i < 10; ++i) sim_point();
      *points += 10;
    }
  };
  std::set<std::uint64_t> hashes;
  for (int again = 0; again < 5; ++again) {
    int points = 0;
    Sim sim(3);
    sim.run([&] {
      Thread other("other", [] {
        for (int i = 0; i < 20; ++i) sim_point();
      });
      Thread thread("locals", [&] {
        static thread_local AtEnd at_end;
        at_end.points = &points;
      });
      thread.join();
      EXPECT_EQ(10, points);
    });
    hashes.insert(sim.trace_hash());
  }
  EXPECT_EQ(1u, hashes.size());
}

// A box that somebody fills and somebody waits for.
struct Box {
  std::atomic<bool> full{false};
  EventCount event;
  std::atomic<std::uint32_t> word{0};
};

// Whether a consumer that waits by `wait` was still asleep long after the box was filled.
template <class Wait>
bool lost(std::uint64_t seed, Wait wait) {
  bool is_lost = false;
  Sim sim(seed);
  sim.run([&] {
    Box box;
    const std::uint64_t deadline = now_ns() + 1'000'000'000;
    Thread consumer("consumer", [&] {
      while (!box.full.load() && !is_lost) {
        sim_point();
        is_lost = !wait(box, deadline);
      }
    });
    Thread producer("producer", [&] {
      for (int i = 0; i < 5; ++i) sim_point();
      box.full.store(true);
      sim_point();
      box.word.fetch_add(1);
      futex_wake(box.word, 1);
      box.event.notify(1, FutexScope::kProcess);
    });
  });
  return is_lost;
}

// Reads the key after it has looked: a box filled in between is never heard of.
bool wait_wrongly(Box& box, std::uint64_t deadline) {
  const std::uint32_t key = box.word.load();
  return futex_wait(box.word, key, deadline);
}

bool wait_rightly(Box& box, std::uint64_t deadline) {
  const std::uint32_t key = box.event.prepare();
  sim_point();
  if (box.full.load()) {
    box.event.cancel();
    return true;
  }
  sim_point();
  return box.event.commit(key, deadline, FutexScope::kProcess);
}

TEST(Sim, SomeSeedFindsALostWakeUp) {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 1000 && found == 0; ++seed) found += lost(seed, wait_wrongly);
  EXPECT_NE(0, found);
}

TEST(Sim, NoSeedFindsOneInTheEventCount) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) ASSERT_FALSE(lost(seed, wait_rightly)) << seed;
}

TEST(SimDeathTest, TellsWhenEverybodySleepsForever) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Sim sim(1);
        sim.run([] {
          std::atomic<std::uint32_t> word{0};
          futex_wait(word, 0);
        });
      },
      "every thread sleeps and no timer is set");
}

}  // namespace
}  // namespace lamellar::base

#include "base/clock/thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/clock/affinity.hpp"
#include "base/clock/mutex.hpp"
#include "base/clock/rng.hpp"

namespace lamellar::base {
namespace {

TEST(Thread, RunsItsBodyOnce) {
  int runs = 0;
  {
    Thread thread("once", [&] { ++runs; });
  }
  EXPECT_EQ(1, runs);
  Thread never;
  never.join();
  never.join();
}

TEST(Thread, CarriesItsName) {
  char name[16] = "";
  Thread thread("a-name-that-is-too-long", [&] {
    pthread_getname_np(pthread_self(), name, sizeof name);
  });
  thread.join();
  EXPECT_STREQ("a-name-that-is-", name);
}

// A signal sent to the process reaches a thread of the program's, never one of ours.
TEST(Thread, BlocksSignalsButThoseItCausesItself) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  sigset_t mask;
  sigemptyset(&mask);
  Thread thread("signals", [&] { pthread_sigmask(SIG_SETMASK, nullptr, &mask); });
  thread.join();
  for (const int blocked : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGALRM})
    EXPECT_EQ(1, sigismember(&mask, blocked)) << blocked;
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    EXPECT_EQ(0, sigismember(&mask, own)) << own;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal)
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
}

TEST(Affinity, IsThatOfTheSystem) {
  cpu_set_t set;
  ASSERT_EQ(0, sched_getaffinity(0, sizeof set, &set));
  const Cpus cpus = affinity_of(0);
  EXPECT_EQ(static_cast<std::size_t>(CPU_COUNT(&set)), cpus.size());
  for (const std::uint32_t cpu : cpus) EXPECT_TRUE(CPU_ISSET(cpu, &set)) << cpu;
  Thread thread("narrow", [&] {
    EXPECT_EQ(cpus, affinity_of(0)) << "inherited";
    EXPECT_TRUE(set_affinity(0, {cpus.back()}));
    EXPECT_EQ(Cpus{cpus.back()}, affinity_of(0));
    EXPECT_FALSE(set_affinity(0, {}));
    EXPECT_FALSE(set_affinity(0, {100'000}));
    EXPECT_EQ(Cpus{cpus.back()}, affinity_of(0));
    EXPECT_TRUE(set_affinity(0, {cpus.front(), 100'000})) << "as far as they are there";
    EXPECT_EQ(Cpus{cpus.front()}, affinity_of(0));
  });
  thread.join();
  EXPECT_EQ(cpus, affinity_of(0));
  EXPECT_EQ(Cpus{}, affinity_of(0x3fffffff)) << "no such thread";
}

TEST(Affinity, NewThreadsTakeTheirCpusInTurn) {
  const Cpus cpus = affinity_of(0);
  const Cpus turns{cpus.back(), cpus.front()};
  Cpus seen[4];
  const auto start = [&](int i) {
    return std::make_unique<Thread>("pinned", [&seen, i] { seen[i] = affinity_of(0); });
  };
  std::vector<std::unique_ptr<Thread>> threads;
  {
    const PinNewThreads pin(turns);
    threads.push_back(start(0));
    {
      const PinNewThreads none({});
      threads.push_back(start(1));
    }
    threads.push_back(start(2));
    threads.push_back(start(3));
    EXPECT_EQ(cpus, affinity_of(0)) << "the parent stays where it is";
  }
  threads.clear();
  EXPECT_EQ(Cpus{cpus.back()}, seen[0]);
  EXPECT_EQ(cpus, seen[1]);
  EXPECT_EQ(Cpus{cpus.front()}, seen[2]);
  EXPECT_EQ(cpus, seen[3]) << "none was left";
}

TEST(Mutex, KeepsThreadsApart) {
  Mutex mutex;
  int counter = 0;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int i = 0; i < 4; ++i)
      threads.push_back(std::make_unique<Thread>("counts", [&] {
        for (int n = 0; n < 5000; ++n) {
          Lock lock(mutex);
          ++counter;
        }
      }));
  }
  EXPECT_EQ(20000, counter);
  mutex.lock();
  Thread thread("tries", [&] { EXPECT_FALSE(mutex.try_lock()); });
  thread.join();
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}

TEST(Rng, IsSplitmix64) {
  // The first values of the reference implementation for the seed 1234567.
  Rng rng(1234567);
  EXPECT_EQ(6457827717110365317u, rng.next());
  EXPECT_EQ(3203168211198807973u, rng.next());
  EXPECT_EQ(9817491932198370423u, rng.next());
}

TEST(Rng, TheKernelsNumbersDiffer) {
  EXPECT_NE(random_u64(), random_u64());
}

}  // namespace
}  // namespace lamellar::base

#include "base/clock/thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

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

TEST(Thread, UsableCpusAreThoseOfTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(0, sched_getaffinity(0, sizeof before, &before));
  EXPECT_EQ(static_cast<unsigned>(CPU_COUNT(&before)), usable_cpus());
  Thread thread("narrow", [&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
      if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    ASSERT_EQ(0, sched_setaffinity(0, sizeof one, &one));
    EXPECT_EQ(1u, usable_cpus());
  });
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

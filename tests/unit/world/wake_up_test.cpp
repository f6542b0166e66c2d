// A PE that sleeps is woken by one event.
#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include "base/clock/event_count.hpp"
#include "base/clock/futex.hpp"
#include "engine/am/engine.hpp"

namespace wake_up_test {

using lamellar::lamellae::Lamella;

std::atomic<int> g_executed{0};
std::atomic<Lamella*> g_sleeper{nullptr};

struct Ping {
  int unused;
  void exec(lamellar::Context&) const { ++g_executed; }
};
LAMELLAR_AM(Ping, unused);

// All threads of that PE have gone to sleep (or are about to), at least `sleeps` times altogether.
void await_sleep(Lamella& lamella, std::uint64_t sleeps, std::uint32_t threads) {
  while (lamella.counters().sleeps < sleeps || lamella.doorbell().waiters.load() != threads)
    lamellar::base::yield_thread();
}

void one_event_each(std::uint32_t threads) {
  g_sleeper = nullptr;
  const int status = lamellar::WorldBuilder().force_num_pes(2).force_threads(threads).launch(
      [threads](lamellar::World& world) {
        Lamella& own = world.engine().lamella();
        if (world.my_pe() == 1) {
          g_sleeper = &own;
          world.barrier();  // which PE 0 enters last
          return 0;
        }
        while (g_sleeper.load() == nullptr) lamellar::base::yield_thread();
        Lamella& sleeper = *g_sleeper.load();
        // At rest: every thread sleeps, and whatever the start has sent was taken.
        std::uint64_t seen = ~std::uint64_t{0};
        for (int quiet = 0; quiet < 100; lamellar::base::yield_thread()) {
          const auto counters = sleeper.counters();
          const bool rests = sleeper.doorbell().waiters.load() == threads &&
                             counters.sleeps == seen && !sleeper.has_incoming();
          quiet = rests ? quiet + 1 : 0;
          seen = counters.sleeps;
        }
        for (int i = 1; i <= 100; ++i) {
          const auto before = sleeper.counters();
          const int executed = g_executed.load();
          world.exec_am_pe<Ping>(1, 0).detach();
          world.flush();
          while (g_executed.load() == executed) lamellar::base::yield_thread();
          await_sleep(sleeper, before.sleeps + 1, threads);
          const auto after = sleeper.counters();
          EXPECT_EQ(before.wake_ups + 1, after.wake_ups) << i;
        }
        world.barrier();
        return 0;
      });
  EXPECT_EQ(0, status);
}

TEST(WakeUp, OneEventWakesTheOnlyThread) { one_event_each(1); }
TEST(WakeUp, OneEventWakesOneOfSeveralThreads) { one_event_each(3); }

}  // namespace wake_up_test

#include "engine/sched/deque.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock/sim.hpp"
#include "base/clock/thread.hpp"
#include "base/core/sanitizers.hpp"
#include "engine/sched/executors.hpp"
#include "engine/sched/planted.hpp"
#include "support/seeds.hpp"

namespace deque_test {
namespace {

using lamellar::detail::Job;
using lamellar::engine::Deque;
using lamellar::testing_support::for_seeds;
using lamellar::testing_support::schedules;

struct Counted : Job {
  Counted() : Job([](Job*) noexcept {}) {}
  std::atomic<int> taken{0};
};

std::vector<std::unique_ptr<Counted>> jobs_of(std::size_t count) {
  std::vector<std::unique_ptr<Counted>> jobs(count);
  for (auto& job : jobs) job = std::make_unique<Counted>();
  return jobs;
}

void take(Job* job) { static_cast<Counted*>(job)->taken.fetch_add(1); }

TEST(Deque, TheOwnerTakesTheNewestAndThievesTheOldest) {
  auto jobs = jobs_of(10);
  Deque deque;
  Deque::Loot loot;
  EXPECT_EQ(deque.pop(), nullptr);
  EXPECT_EQ(deque.steal(loot), 0u);
  EXPECT_TRUE(deque.empty());
  for (auto& job : jobs) deque.push(job.get());
  EXPECT_FALSE(deque.empty());
  EXPECT_EQ(deque.pop(), jobs[9].get());
  ASSERT_EQ(deque.steal(loot), 1u);  // a short one: one at a time
  EXPECT_EQ(loot[0], jobs[0].get());
  for (int i = 8; i >= 1; --i) EXPECT_EQ(deque.pop(), jobs[static_cast<std::size_t>(i)].get());
  EXPECT_EQ(deque.pop(), nullptr);
  EXPECT_TRUE(deque.empty());
}

// Who asks, to run new tasks itself while many wait, must not go by those that thieves have taken:
// then it would run all alone from there on, and the thieves would sleep.
TEST(Deque, WhatThievesTookDoesNotWait) {
  auto jobs = jobs_of(5000);
  lamellar::engine::WorkStealing executor;
  executor.start({2, nullptr});
  for (auto& job : jobs) executor.submit(*job, lamellar::Priority::kNormal, 0);
  EXPECT_EQ(executor.queued(0), 5000u);
  for (std::size_t i = 0; i < jobs.size(); ++i) ASSERT_NE(executor.take(1), nullptr) << i;
  EXPECT_EQ(executor.queued(0), 0u);
}

TEST(Deque, OfALongOneThievesTakeSeveral) {
  auto jobs = jobs_of(200);
  Deque deque;
  std::vector<Job*> all;
  for (auto& job : jobs) all.push_back(job.get());
  deque.push(all.data(), 200);
  Deque::Loot loot;
  ASSERT_EQ(deque.steal(loot), Deque::kBatch);
  for (std::uint32_t i = 0; i < Deque::kBatch; ++i) EXPECT_EQ(loot[i], all[i]);
  std::size_t left = 200 - Deque::kBatch;
  while (left > Deque::kBatch) {
    const std::uint32_t got = deque.steal(loot);
    EXPECT_EQ(got, std::min<std::size_t>(left / 2, Deque::kBatch));
    left -= got;
  }
  EXPECT_EQ(deque.steal(loot), 1u);
}

TEST(Deque, GrowsAndKeepsEverything) {
  auto jobs = jobs_of(5000);
  Deque deque;
  for (int round = 0; round < 3; ++round) {
    for (auto& job : jobs) deque.push(job.get());
    while (Job* const job = deque.pop()) take(job);
  }
  for (auto& job : jobs) EXPECT_EQ(job->taken.load(), 3);
}

// The owner pushes and pops in waves across the length at which thieves take several; everything
// is taken once, or the result says how many were not.
template <class Deque>
std::size_t contend(std::size_t jobs_in_all, int thieves, std::uint64_t seed) {
  auto jobs = jobs_of(jobs_in_all);
  Deque deque;
  std::atomic<bool> over{false};
  std::vector<std::unique_ptr<lamellar::base::Thread>> threads;
  for (int i = 0; i < thieves; ++i)
    threads.push_back(std::make_unique<lamellar::base::Thread>("thief", [&] {
      typename Deque::Loot loot;
      while (!over.load()) {
        const std::uint32_t got = deque.steal(loot);
        for (std::uint32_t k = 0; k < got; ++k) take(loot[k]);
        if (got == 0) lamellar::base::yield_thread();
      }
    }));
  lamellar::base::Rng rng(seed);
  std::size_t pushed = 0;
  while (pushed < jobs_in_all) {
    const std::size_t wave = 1 + rng.next() % (2 * Deque::kBatch + 6);
    for (std::size_t i = 0; i < wave && pushed < jobs_in_all; ++i)
      deque.push(jobs[pushed++].get());
    const std::size_t back = rng.next() % (wave + 10);
    for (std::size_t i = 0; i < back; ++i) {
      Job* const job = deque.pop();
      if (job == nullptr) break;
      take(job);
    }
  }
  while (Job* const job = deque.pop()) take(job);
  over.store(true);
  threads.clear();
  std::size_t wrong = 0;
  for (auto& job : jobs) wrong += job->taken.load() != 1;
  return wrong;
}

TEST(Deque, NothingIsTakenTwiceOrLost) {
  const char* const asked = std::getenv("LAMELLAR_TEST_DEQUE_JOBS");
  std::size_t left = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 10'000'000;
#if defined(LAMELLAR_THREAD_SANITIZER) || defined(LAMELLAR_ADDRESS_SANITIZER)
  left = std::min<std::size_t>(left, 500'000);
#endif
  for (std::uint64_t seed = 1; left != 0; ++seed) {
    const std::size_t now = std::min<std::size_t>(left, 500'000);
    ASSERT_EQ(contend<Deque>(now, 1 + static_cast<int>(seed % 3), seed), 0u) << seed;
    left -= now;
  }
}

// In which thieves take several sooner.
using Short = lamellar::engine::BasicDeque<4>;

TEST(Deque, Schedules) {
  for_seeds(schedules(1000),
            [](std::uint64_t seed) { EXPECT_EQ(contend<Short>(60, 2, seed), 0u); });
}

TEST(Deque, ThePlantedDoublePopIsFound) {
  lamellar::engine::g_planted_double_pop.store(true);
  std::uint64_t seed = 0;
  std::size_t wrong = 0;
  while (wrong == 0 && seed < 1000) {
    lamellar::base::Sim sim(++seed);
    sim.run([&] { wrong = contend<Short>(60, 2, seed); });
  }
  lamellar::engine::g_planted_double_pop.store(false);
  EXPECT_NE(wrong, 0u);
  RecordProperty("seed", std::to_string(seed));
}

}  // namespace
}  // namespace deque_test

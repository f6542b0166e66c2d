#pragma once
// Runs a test under schedules drawn from seeds. LAMELLAR_TEST_SEED=<n> runs that seed alone.
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock/sim.hpp"
#include "base/core/sanitizers.hpp"
#include "base/topo/binding.hpp"

namespace lamellar::testing_support {

inline std::atomic<std::uint64_t> g_seed{0};

// A broken invariant aborts: say under which seed.
inline void say_seed(int) {
  char text[64] = "seed ";
  char* const end = std::to_chars(text + 5, text + 60, g_seed.load()).ptr;
  *end = '\n';
  static_cast<void>(!write(2, text, static_cast<std::size_t>(end + 1 - text)));
  signal(SIGABRT, SIG_DFL);
}

// How many schedules to search: `in_ci`, or what LAMELLAR_TEST_SCHEDULES says (soak: 100000).
inline std::uint64_t schedules(std::uint64_t in_ci) {
#if defined(LAMELLAR_THREAD_SANITIZER)
  in_ci = in_ci / 20 + 1;  // each takes ten times as long, and the sanitizer sees them all the same
#endif
  const char* const asked = std::getenv("LAMELLAR_TEST_SCHEDULES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : in_ci;
}

template <class Body>
void for_these_seeds(const std::vector<std::uint64_t>& seeds, const Body& body) {
  const auto before = signal(SIGABRT, say_seed);
  // One thread runs at a time: passing the baton on costs a third when it stays on its cpu.
  const base::Binding one_cpu(static_cast<std::uint32_t>(sched_getcpu()));
  for (const std::uint64_t seed : seeds) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    g_seed.store(seed);
    base::Sim sim(seed);
    sim.run([&] { body(seed); });
    if (testing::Test::HasFailure()) break;
  }
  signal(SIGABRT, before);
}

template <class Body>
void for_seeds(std::uint64_t count, const Body& body) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), std::uint64_t{1});
  if (const char* const only = std::getenv("LAMELLAR_TEST_SEED"))
    seeds = {std::strtoull(only, nullptr, 10)};
  for_these_seeds(seeds, body);
}

}  // namespace lamellar::testing_support

#pragma once
// What schedulers are asked to do, the same for ours and for others:
//   PROGRAM CASE SECONDS [NUMBER]...
// A Pool has
//   explicit Pool(unsigned workers);   threads that run tasks, beside the calling one
//   void submit(task);                 from a thread that is none of them
//   void inside(body);                 calls body(spawn) in a thread of the pool, to which the
//                                      calling one belongs meanwhile; returns when everything that
//                                      was given to spawn() has run

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/measure.hpp"
#include "harness/rest.hpp"
#include "tasks/workers.hpp"

namespace bench {

constexpr std::uint64_t kFlood = 1000000;

inline void check_ran(std::uint64_t before) {
  if (const std::uint64_t ran = ran_by_all() - before; ran != kFlood)
    throw std::runtime_error(std::to_string(ran) + " tasks have run, not " +
                             std::to_string(kFlood));
}

inline double percent_of_flood(std::uint64_t tasks) {
  return static_cast<double>(tasks) * 100 / static_cast<double>(kFlood);
}

// The first is of the round that warms up.
inline double median_but_first(std::vector<double> values) {
  values.erase(values.begin());
  return median(std::move(values));
}

// One thread of the pool spawns empty tasks, all run them: workers.
template <class Pool>
void spawn(const Arguments& arguments) {
  const auto workers = static_cast<unsigned>(arguments.number(0, 0));
  Pool pool(workers);
  pin_workers(pool, workers);
  std::vector<double> stolen;
  const double seconds = median_round(arguments.seconds, [&] {
    const std::uint64_t before = ran_by_all();
    const Ran* producer = nullptr;
    std::uint64_t of_producer = 0;
    const double start = now();
    pool.inside([&](auto&& give) {
      producer = &ran_here();
      of_producer = producer->tasks.load();
      for (std::uint64_t i = 0; i < kFlood; ++i) give(Empty{});
    });
    const double took = now() - start;
    check_ran(before);
    stolen.push_back(100 - percent_of_flood(producer->tasks.load() - of_producer));
    return took;
  });
  result("spawn_ns", seconds / kFlood * 1e9);
  result("stolen_percent", median_but_first(std::move(stolen)));
}

// A thread that is no worker submits empty tasks: workers, how many may wait at a time (0: any). A
// pool may make a thread that submits too many run some of them itself.
template <class Pool>
void submit(const Arguments& arguments) {
  constexpr std::uint64_t kLook = 128;  // every so many tasks
  const auto workers = static_cast<unsigned>(arguments.number(0, 2));
  const std::uint64_t most = arguments.number(1, 0);
  Pool pool(workers);
  pin_workers(pool, workers);
  const Ran& own = ran_here();
  std::vector<double> kept;
  const double seconds = median_round(arguments.seconds, [&] {
    const std::uint64_t before = ran_by_all();
    const std::uint64_t own_before = own.tasks.load();
    const double start = now();
    for (std::uint64_t i = 0; i < kFlood; ++i) {
      if (most != 0 && i % kLook == 0)
        while (i + kLook > ran_by_all() - before + most) let_others_run();
      pool.submit(Empty{});
    }
    while (ran_by_all() - before < kFlood) let_others_run();
    const double took = now() - start;
    check_ran(before);
    kept.push_back(percent_of_flood(own.tasks.load() - own_before));
    return took;
  });
  result("submit_ns", seconds / kFlood * 1e9);
  result("kept_percent", median_but_first(std::move(kept)));
}

// From the submission of a task to its first instruction, in a pool that has been idle: workers,
// microseconds before each.
template <class Pool>
void wake(const Arguments& arguments) {
  constexpr std::size_t kLeast = 20;
  constexpr std::size_t kMost = 3000;
  const auto workers = static_cast<unsigned>(arguments.number(0, 1));
  const double gap = static_cast<double>(arguments.number(1, 3000)) * 1e-6;
  Pool pool(workers);
  pin_workers(pool, workers);
  struct alignas(128) Line {
    std::atomic<double> ran_at{0};
  } line;
  std::vector<double> wakes;
  std::vector<double> calls;
  const double end = now() + arguments.seconds;
  for (std::size_t i = 0; wakes.size() < kLeast || (wakes.size() < kMost && now() < end); ++i) {
    for (const double until = now() + gap; now() < until;) let_others_run();
    line.ran_at.store(0, std::memory_order_relaxed);
    const double start = now();
    pool.submit([&line] { line.ran_at.store(now(), std::memory_order_release); });
    const double submitted = now();
    double ran_at = 0;
    while ((ran_at = line.ran_at.load(std::memory_order_acquire)) == 0) let_others_run();
    if (i < 3) continue;  // warms up
    wakes.push_back(ran_at - start);
    calls.push_back(submitted - start);
  }
  std::sort(wakes.begin(), wakes.end());
  result("wake_ns", median(wakes) * 1e9);
  result("wake_p99_ns", wakes[wakes.size() * 99 / 100] * 1e9);
  result("call_ns", median(std::move(calls)) * 1e9);
}

// CPU time that a pool uses over 5 s without tasks, after it has come to rest: workers.
template <class Pool>
void rest(const Arguments& arguments) {
  const auto workers = static_cast<unsigned>(arguments.number(0, 2));
  Pool pool(workers);
  pin_workers(pool, workers);
  pass(0.1);
  const double start = now();
  const double before = cpu_of_process();
  pass(arguments.seconds);
  const double used = cpu_of_process() - before;
  result("rest_seconds", used / (now() - start) * 5);
}

struct Case {
  const char* name;
  void (*run)(const Arguments& arguments);
};

template <class Pool>
constexpr Case kCases[] = {{"spawn", spawn<Pool>},
                           {"submit", submit<Pool>},
                           {"wake", wake<Pool>},
                           {"rest", rest<Pool>}};

// `more`: cases of this scheduler alone.
template <class Pool>
int run_case(int argc, char** argv, const std::vector<Case>& more = {}) {
  std::vector<Case> known(std::begin(kCases<Pool>), std::end(kCases<Pool>));
  known.insert(known.end(), more.begin(), more.end());
  const Arguments arguments = Arguments::parse(argc, argv);
  for (const Case& one : known) {
    if (arguments.name != one.name) continue;
    try {
      one.run(arguments);
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", one.name, error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "usage: %s CASE SECONDS [NUMBER]...; cases:", argv[0]);
  for (const Case& one : known) std::fprintf(stderr, " %s", one.name);
  std::fputc('\n', stderr);
  return 2;
}

}  // namespace bench

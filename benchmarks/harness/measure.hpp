#pragma once
// What every measuring program shares: time, pinning, its arguments, and how it prints results.
// A program is started as `program CASE SECONDS [NUMBER]...` and prints lines `result KEY VALUE`.

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

// UNITS: seconds of a clock all processes of the host share.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void relax() { __builtin_ia32_pause(); }

// The two cores things are measured on: BENCH_CPUS=A,B, else the first two this process may use.
inline std::vector<int> chosen_cpus() {
  std::vector<int> cpus;
  if (const char* text = std::getenv("BENCH_CPUS"); text != nullptr) {
    char* end = nullptr;
    for (const char* at = text; *at != '\0'; at = *end == ',' ? end + 1 : end) {
      cpus.push_back(static_cast<int>(std::strtol(at, &end, 10)));
      if (end == at) break;
    }
    if (!cpus.empty()) return cpus;
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  return cpus;
}

// Keeps the calling thread on the which-th of the chosen cores, in turn.
inline void pin(unsigned which) {
  const std::vector<int> cpus = chosen_cpus();
  if (cpus.empty()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpus[which % cpus.size()], &one);
  sched_setaffinity(0, sizeof one, &one);
}

inline void result(const std::string& key, double value) {
  std::printf("result %s %.9g\n", key.c_str(), value);
}

// REQUIRES: not empty.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

struct Arguments {
  std::string name;
  double seconds = 0.2;
  std::vector<std::uint64_t> numbers;

  static Arguments parse(int argc, char** argv) {
    Arguments arguments;
    if (argc > 1) arguments.name = argv[1];
    if (argc > 2) arguments.seconds = std::atof(argv[2]);
    for (int i = 3; i < argc; ++i)
      arguments.numbers.push_back(std::strtoull(argv[i], nullptr, 10));
    return arguments;
  }
  std::uint64_t number(std::size_t which, std::uint64_t otherwise) const {
    return which < numbers.size() ? numbers[which] : otherwise;
  }
};

// Calls round() until the time is over, at least three times; the first call only warms up.
// round() returns the seconds it took. Returns their median.
template <class Round>
double median_round(double seconds, Round&& round) {
  round();
  std::vector<double> all;
  const double end = now() + seconds;
  do {
    all.push_back(round());
  } while (all.size() < 3 || now() < end);
  return median(std::move(all));
}

// xorshift64: what all programs here draw their numbers from.
struct Draw {
  std::uint64_t x = 88172645463325252ull;
  explicit Draw(std::uint64_t seed = 0) : x(88172645463325252ull + seed * 7919) {}
  std::uint64_t operator()() {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
  }
};

// The updates of a histogram whose table has `entries` on each of `pes`, drawn before they are
// measured, as bale does: a word each, the place on its PE above 16 bits for the PE.
inline std::vector<std::uint64_t> draw_updates(unsigned me, unsigned pes, std::uint64_t entries,
                                               std::uint64_t count) {
  Draw draw(me);
  std::vector<std::uint64_t> updates(count);
  for (std::uint64_t& update : updates) {
    const std::uint64_t index = draw() % (entries * pes);
    update = index % entries << 16 | index / entries;
  }
  return updates;
}
inline unsigned pe_of(std::uint64_t update) { return update & 0xffff; }
inline std::uint64_t place_of(std::uint64_t update) { return update >> 16; }

}  // namespace bench

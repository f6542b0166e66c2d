#pragma once
// The cache-line round trip: two threads (or processes) answer each other through one line. Every
// latency on a host is measured in it.

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "harness/measure.hpp"

namespace bench {

// Above this a round trip is "far": the host keeps the two cores apart.
inline constexpr double kNearNs = 110;

struct alignas(128) Line {
  std::atomic<std::uint64_t> turn{0};
};

inline void line_answer(Line& line, std::uint64_t from, std::uint64_t count) {
  for (std::uint64_t i = from; i < from + count; ++i) {
    while (line.turn.load(std::memory_order_acquire) != 2 * i + 1) {
    }
    line.turn.store(2 * i + 2, std::memory_order_release);
  }
}

inline void line_ask(Line& line, std::uint64_t from, std::uint64_t count) {
  for (std::uint64_t i = from; i < from + count; ++i) {
    line.turn.store(2 * i + 1, std::memory_order_release);
    while (line.turn.load(std::memory_order_acquire) != 2 * i + 2) {
    }
  }
}

// Median of short batches, in nanoseconds; takes about 20 ms near. Pins the calling thread for as
// long as it runs only.
inline double probe_line_ns(std::uint64_t batches = 100, std::uint64_t batch = 2000) {
  Line line;
  std::vector<double> ns;
  std::thread answerer([&] {
    pin(1);
    line_answer(line, 0, batches * batch);
  });
  std::thread asker([&] {
    pin(0);
    for (std::uint64_t b = 0; b < batches; ++b) {
      const double start = now();
      line_ask(line, b * batch, batch);
      ns.push_back((now() - start) / static_cast<double>(batch) * 1e9);
    }
  });
  asker.join();
  answerer.join();
  return median(std::move(ns));
}

}  // namespace bench

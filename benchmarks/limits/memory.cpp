// What the memory gives one process, and both at once.
#include "limits/pair.hpp"

namespace bench {

// Hot copies of 64 KiB, 1 MiB and 4 MiB by one process.
void limit_memcpy(const Arguments& arguments) {
  constexpr std::size_t kSizes[] = {64 << 10, 1 << 20, 4 << 20};
  constexpr const char* kNames[] = {"memcpy_64k_gbs", "memcpy_1m_gbs", "memcpy_4m_gbs"};
  constexpr std::size_t kTotal = 64 << 20;
  pin(0);
  auto* from = static_cast<char*>(common_memory(kSizes[2]));
  auto* to = static_cast<char*>(common_memory(kSizes[2]));
  for (int i = 0; i < 3; ++i) {
    const std::size_t size = kSizes[i];
    const double round = median_round(arguments.seconds / 3, [&] {
      const double start = now();
      for (std::size_t done = 0; done < kTotal; done += size) {
        std::memcpy(to, from, size);
        asm volatile("" : : "r"(to) : "memory");
      }
      return now() - start;
    });
    result(kNames[i], kTotal / round / 1e9);
  }
}

namespace {

constexpr std::uint64_t kWords = (256ull << 20) / 8;  // 256 MiB: beyond every cache
constexpr std::uint64_t kRound = 2 << 20;

// splitmix64: no index waits for the one before, so the accesses may overlap.
struct Scatter {
  std::uint64_t x = 0;
  std::uint64_t operator()() {
    std::uint64_t z = x += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    return z ^ z >> 27;
  }
};

template <class Access>
double random_mps(double seconds, Access&& access) {
  Scatter draw{static_cast<std::uint64_t>(getpid())};
  const double round = median_round(seconds, [&] {
    const double start = now();
    for (std::uint64_t i = 0; i < kRound; ++i) access(draw() % kWords);
    return now() - start;
  });
  return kRound / round / 1e6;
}

std::atomic_ref<std::uint64_t> atomic(std::uint64_t& word) {
  return std::atomic_ref<std::uint64_t>(word);
}

}  // namespace

// Random 8-byte accesses to a table of 256 MiB by one process, and atomics by two.
void limit_random(const Arguments& arguments) {
  auto* table = static_cast<std::uint64_t*>(common_memory(kWords * 8));
  struct Shared {
    Meeting meeting;
    double rate[2];
  };
  auto* shared = static_cast<Shared*>(common_memory(sizeof(Shared)));
  const double seconds = arguments.seconds / 4;
  std::uint64_t sum = 0;
  pin(0);
  result("stores_mps", random_mps(seconds, [=](std::uint64_t i) { table[i] = i; }));
  result("loads_mps", random_mps(seconds, [table, &sum](std::uint64_t i) { sum += table[i]; }));
  asm volatile("" : : "r"(sum));
  const auto add = [=](std::uint64_t i) {
    atomic(table[i]).fetch_add(1, std::memory_order_relaxed);
  };
  result("atomics_mps", random_mps(seconds, add));
  as_pair([&](unsigned me) {
    shared->meeting.meet(relax);
    shared->rate[me] = random_mps(seconds, add);
    shared->meeting.meet(relax);
    if (me == 0) result("atomics_both_mps", shared->rate[0] + shared->rate[1]);
  });
}

}  // namespace bench

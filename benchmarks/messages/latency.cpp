// Round trips and barriers: what one message costs that nobody else travels with.
#include "messages/cases.hpp"

namespace bench {
namespace {

constexpr std::uint64_t kBatch = 500;

struct Echo {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value + 1; }
};
LAMELLAR_AM(Echo, value);

struct CoroutineEcho {
  std::uint64_t value;
  Task<std::uint64_t> exec(Context&) const { co_return value + 1; }
};
LAMELLAR_AM(CoroutineEcho, value);

struct CoroutineAdd {
  std::uint64_t value;
  Task<> exec(Context& context) const {
    Here& mine = here(context);
    mine.sum += value;
    ++mine.executed;
    co_return;
  }
};
LAMELLAR_AM(CoroutineAdd, value);

struct Allocations {
  std::uint64_t exec(Context&) const { return allocations(); }
};
LAMELLAR_AM(Allocations);

// Seconds of kBatch round trips, one after the other.
template <class AM>
double batch(const World& world, Pe to) {
  const double start = now();
  std::uint64_t value = 0;
  for (std::uint64_t i = 0; i < kBatch; ++i) value = world.exec_am_pe(to, AM{value}).block();
  const double took = now() - start;
  if (value != kBatch) throw lamellar::Error("the echo was wrong");
  return took;
}

template <class AM>
double flood(const World& world, Pe to, std::uint64_t count) {
  const double start = now();
  for (std::uint64_t i = 0; i < count; ++i) world.exec_am_pe(to, AM{i}).detach();
  world.wait_all();
  return now() - start;
}

// Medians of two things done in turns, after each was done once.
struct Both {
  double first;
  double second;
};
template <class First, class Second>
Both in_turns(double seconds, First&& one, Second&& other) {
  std::vector<double> firsts;
  std::vector<double> others;
  one();
  other();
  const double end = now() + seconds;
  do {
    firsts.push_back(one());
    others.push_back(other());
  } while (firsts.size() < 3 || now() < end);
  return {median(std::move(firsts)), median(std::move(others))};
}

}  // namespace

void round_trip(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  const double seconds =
      median_round(arguments.seconds, [&] { return batch<Echo>(world, 1); });
  result("round_trip_ns", seconds / kBatch * 1e9);
}

// Plain and coroutine in turns.
void coroutine(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  const double half = arguments.seconds / 2;
  const Both trips = in_turns(
      half, [&] { return batch<Echo>(world, 1); }, [&] { return batch<CoroutineEcho>(world, 1); });
  result("plain_round_trip_ns", trips.first / kBatch * 1e9);
  result("coroutine_round_trip_ns", trips.second / kBatch * 1e9);

  constexpr std::uint64_t kFlood = 200000;
  std::uint64_t floods = 0;
  std::uint64_t made = 0;  // allocations of PE 1 in floods of coroutines
  const Both each = in_turns(
      half, [&] { return flood<Add>(world, 1, kFlood); },
      [&] {
        const std::uint64_t before = world.exec_am_pe(1, Allocations{}).block();
        const double took = flood<CoroutineAdd>(world, 1, kFlood);
        const std::uint64_t after = world.exec_am_pe(1, Allocations{}).block();
        if (++floods > 1) made += after - before;  // the first one warms up
        return took;
      });
  check_executed(world, 1, 2 * floods * kFlood);
  result("plain_ns", each.first / kFlood * 1e9);
  result("coroutine_ns", each.second / kFlood * 1e9);
  result("coroutine_allocations",
         static_cast<double>(made) / static_cast<double>((floods - 1) * kFlood));
}

void barrier(World& world, const Arguments& arguments) {
  const double seconds = median_together(world, arguments.seconds, [&] {
    for (std::uint64_t i = 0; i < kBatch; ++i) world.barrier();
  });
  if (world.my_pe() == 0) result("barrier_ns", seconds / (kBatch + 1) * 1e9);
}

// Even PEs ask the next one, all at once.
void pairs(World& world, const Arguments& arguments) {
  const bool asks = world.my_pe() % 2 == 0 && world.my_pe() + 1 < world.num_pes();
  const double seconds = median_together(world, arguments.seconds, [&] {
    if (asks) batch<Echo>(world, world.my_pe() + 1);
  });
  if (world.my_pe() == 0) result("pairs_round_trip_ns", seconds / kBatch * 1e9);
}

}  // namespace bench

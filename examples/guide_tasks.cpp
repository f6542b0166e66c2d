// Tasks: starting, sleeping, combining, limits in time, stopping.
#include <chrono>
#include <cstdio>
#include <lamellar/world.hpp>
#include <stop_token>
#include <utility>

using namespace std::chrono_literals;

// Parameters by value: a task may outlive what its caller had.
lamellar::Task<int> slow_square(int value) {
  co_await lamellar::sleep_for(1ms);  // the thread runs other tasks meanwhile
  co_return value * value;
}

lamellar::Task<int> until_stopped(std::stop_token stop) {
  int rounds = 0;
  try {
    for (;; ++rounds) co_await lamellar::sleep_for(100us, stop);
  } catch (const lamellar::Cancelled&) {
  }
  co_return rounds;
}

lamellar::Task<int> tour(lamellar::World world) {
  // Side by side, each on whatever worker is free.
  auto three = slow_square(3);
  auto four = slow_square(4);
  auto [nine, sixteen] = co_await lamellar::when_all(std::move(three), std::move(four));

  // The first one; the other goes on, and can be awaited later.
  auto first = world.spawn(slow_square(1));
  auto second = world.spawn([] { return 2; });
  const std::size_t winner = co_await lamellar::when_any(first, second);
  const int one = co_await first;
  const int two = co_await second;

  // Not for ever. What takes too long goes on without us.
  bool late = false;
  std::stop_source stop;
  auto rounds = world.spawn(until_stopped(stop.get_token()));
  try {
    co_await lamellar::with_timeout(std::move(rounds), 2ms);
  } catch (const lamellar::TimedOut&) {
    late = true;
  }
  stop.request_stop();

  co_return nine + sixteen + one + two + (late ? 100 : 0) + static_cast<int>(winner < 2);
}

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const int result = world.block_on(tour(world));
    std::printf("%d\n", result);
    return result == 129 ? 0 : 1;
  });
}

// The cases for this library, by its public interface, and those with coroutines.
#include <lamellar/world.hpp>

#include "tasks/cases.hpp"

namespace {

using lamellar::Future;
using lamellar::Task;
using lamellar::World;

World world_of(unsigned threads) {
  lamellar::WorldBuilder builder;
  builder.force_num_pes(1).force_threads(threads);
  return builder.init();
}

class Ours {
 public:
  // The calling thread is one of the world's, while it waits in the library.
  explicit Ours(unsigned workers) : world_(world_of(workers + 1)) {}

  template <class F>
  void submit(F task) {
    world_.post(std::move(task));
  }

  template <class Body>
  void inside(Body&& body) {
    world_.spawn([&] { body([&](auto task) { world_.post(std::move(task)); }); }).block();
    world_.wait_all();
  }

 private:
  World world_;
};

constexpr std::uint64_t kAwaits = 100000;

Task<std::uint64_t> one() { co_return 1; }

Task<std::uint64_t> await_all() {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < kAwaits; ++i) sum += co_await one();
  co_return sum;
}

Task<std::uint64_t> spawn_all(World world) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < kAwaits; ++i) {
    Future<std::uint64_t> future = world.spawn(one());
    sum += co_await future;
  }
  co_return sum;
}

// On one thread.
void coroutines(const bench::Arguments& arguments) {
  const World world = world_of(1);
  const auto each_ns = [&](auto&& make) {
    return bench::median_round(arguments.seconds / 2, [&] {
      const double start = bench::now();
      if (world.block_on(make()) != kAwaits) throw std::runtime_error("a wrong sum");
      return bench::now() - start;
    }) / kAwaits * 1e9;
  };
  bench::result("await_ns", each_ns([] { return await_all(); }));
  bench::result("spawn_await_ns", each_ns([&] { return spawn_all(world); }));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_case<Ours>(argc, argv, {{"coroutines", coroutines}});
}

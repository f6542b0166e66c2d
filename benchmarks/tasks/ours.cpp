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

// Spawned tasks stand in for posted ones where there are none; wait_all() does not count them.
template <class W>
constexpr bool kPosts = requires(W& world) { world.post(bench::Empty{}); };

template <class W, class F>
void post(W& world, F task) {
  if constexpr (kPosts<W>)
    world.post(std::move(task));
  else
    static_cast<void>(world.spawn(std::move(task)));
}

class Ours {
 public:
  // The calling thread is one of the world's, while it waits in the library.
  explicit Ours(unsigned workers) : world_(world_of(workers + 1)) {}

  template <class F>
  void submit(F task) {
    post(world_, std::move(task));
  }

  template <class Body>
  void inside(Body&& body) {
    const std::uint64_t before = bench::ran_by_all();
    std::uint64_t given = 0;
    world_.spawn([&] {
      body([&](auto task) {
        ++given;
        post(world_, std::move(task));
      });
    }).block();
    world_.wait_all();
    if (!kPosts<World>)
      while (bench::ran_by_all() - before < given) world_.spawn([] {}).block();
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

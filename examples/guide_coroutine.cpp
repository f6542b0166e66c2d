// Messages that wait for other messages: exec as a coroutine, when_all.
#include <cstdint>
#include <cstdio>
#include <lamellar/world.hpp>
#include <utility>
#include <vector>

// Adds up the numbers of the PEs on a way of `hops` steps around the ring.
struct Walk {
  std::uint32_t hops;
  lamellar::Task<std::uint64_t> exec(lamellar::Context& ctx) const {
    if (hops == 0) co_return ctx.my_pe();
    const lamellar::Pe next = (ctx.my_pe() + 1) % ctx.num_pes();
    const std::uint64_t rest = co_await ctx.world().exec_am_pe<Walk>(next, hops - 1);
    co_return ctx.my_pe() + rest;
  }
};
LAMELLAR_AM(Walk, hops);

// Parameters by value: the coroutine may outlive what its caller had.
lamellar::Task<std::uint64_t> walk_from_everywhere(lamellar::World world) {
  std::vector<lamellar::Future<std::uint64_t>> walks;
  for (lamellar::Pe pe = 0; pe < world.num_pes(); ++pe)
    walks.push_back(world.exec_am_pe<Walk>(pe, world.num_pes() - 1).spawn());
  const auto sums = co_await lamellar::when_all(std::move(walks));
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  co_return total;
}

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() != 0) return 0;
    const std::uint64_t total = world.block_on(walk_from_everywhere(world));
    std::printf("%u walks around the ring, %u in all\n", world.num_pes(),
                static_cast<unsigned>(total));
    const std::uint64_t pes = world.num_pes();
    return total == pes * (pes * (pes - 1) / 2) ? 0 : 1;
  });
}

// Work that travels, and the result that comes back.
#include <cstdint>
#include <cstdio>
#include <lamellar/world.hpp>
#include <vector>

struct Square {
  std::uint64_t number;
  std::uint64_t exec(lamellar::Context&) const { return number * number; }
};
LAMELLAR_AM(Square, number);

struct WhereAmI {
  lamellar::Pe exec(lamellar::Context& ctx) const { return ctx.my_pe(); }
};
LAMELLAR_AM(WhereAmI);

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() != 0) return 0;  // PE 0 asks, the others answer
    const lamellar::Pe last = world.num_pes() - 1;

    const std::uint64_t now = world.exec_am_pe<Square>(last, 7u).block();  // start and wait

    lamellar::Future<std::uint64_t> later = world.exec_am_pe<Square>(last, 8u).spawn();
    const std::uint64_t then = later.block();  // started before, waited for here

    const std::vector<lamellar::Pe> pes = world.exec_am_all(WhereAmI{}).block();

    std::printf("7 * 7 = %u, 8 * 8 = %u, answers of %zu PEs\n", static_cast<unsigned>(now),
                static_cast<unsigned>(then), pes.size());
    return now == 49 && then == 64 && pes.back() == last ? 0 : 1;
  });
}

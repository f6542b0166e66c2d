// Messages for as long as the faults let them.
#include "program.hpp"

#include <lamellar/error.hpp>

using programs::say;

namespace {

struct Add {
  std::uint64_t value;
  std::uint64_t exec(lamellar::Context&) const { return value + 1; }
};
LAMELLAR_AM(Add, value);

}  // namespace

// Round trips to the next PE and detached messages, some hundreds of each. A PE that hears of a
// failure says whose it is.
PROCESS_PROGRAM(traffic) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
    std::uint64_t value = 0;
    try {
      for (int i = 0; i < 300; ++i) {
        value = world.exec_am_pe<Add>(next, value).block();
        world.exec_am_pe<Add>(next, value).detach();
      }
      world.barrier();
    } catch (const lamellar::JobFailed& failed) {
      say("PE %u: JobFailed of PE %u.", world.my_pe(), failed.pe());
      throw;
    }
    say("PE %u: %u.", world.my_pe(), static_cast<unsigned>(value));
    return 0;
  });
}

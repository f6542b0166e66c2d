// State that messages change: PeLocal, detach, wait_all, barrier.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <lamellar/world.hpp>

struct Counter {
  std::atomic<std::uint64_t> hits{0};  // several messages may run on a PE at once
};

struct Hit {
  lamellar::PeLocal<Counter> counter;
  std::uint64_t times;
  void exec(lamellar::Context& ctx) const { counter.local(ctx).hits += times; }
};
LAMELLAR_AM(Hit, counter, times);

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const lamellar::PeLocal<Counter> counter(world);  // one Counter on every PE; collective

    for (int i = 0; i < 1000; ++i)
      for (lamellar::Pe pe = 0; pe < world.num_pes(); ++pe)
        world.exec_am_pe<Hit>(pe, counter, 2u).detach();  // no answer, nothing to wait for

    world.wait_all();  // what this PE has sent has run
    world.barrier();   // every PE has come this far, so what they have sent has run too

    const std::uint64_t hits = counter.local(world).hits;
    std::printf("PE %u was hit %llu times\n", world.my_pe(),
                static_cast<unsigned long long>(hits));
    return hits == 2000u * world.num_pes() ? 0 : 1;
  });
}

// PE 0 computes; PE 1 sends it a message meanwhile, which both know: they share memory.
#include <cstring>

#include "program.hpp"

using programs::say;

namespace {

std::atomic<bool> g_computing{false}, g_sent{false};
std::atomic<int> g_run{0};

struct Release {
  int unused;
  void exec(lamellar::Context&) const { ++g_run; }
};
LAMELLAR_AM(Release, unused);

// Far longer than it takes to find out that nobody attends.
void work() {
  std::atomic<std::uint64_t> value{1};
  for (int i = 0; i < 60'000'000; ++i)
    value.store(value.load(std::memory_order_relaxed) * 3 + 1, std::memory_order_relaxed);
}

}  // namespace

// progress until|while: PE 0 computes until the message has run, or for a while; says how many had
// run then.
PROCESS_PROGRAM(progress) {
  const bool until = argc > 1 && std::strcmp(argv[1], "until") == 0;
  return lamellar::launch(argc, argv, [until](lamellar::World& world) {
    if (world.my_pe() == 0) {
      g_computing.store(true);
      while (!g_sent.load()) {
      }
      if (!until) work();
      while (until && g_run.load() == 0) {
      }
      say("while computing %d", g_run.load());
    } else {
      while (!g_computing.load()) {
      }
      world.exec_am_pe<Release>(0, 1).detach();
      world.flush();
      g_sent.store(true);
    }
    world.barrier();
    world.wait_all();
    world.barrier();
    if (world.my_pe() == 0) say("in the end %d", g_run.load());
    return 0;
  });
}

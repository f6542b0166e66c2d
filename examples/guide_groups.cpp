// A task group: messages that are waited for apart from all others.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <lamellar/sync.hpp>
#include <lamellar/task_group.hpp>
#include <lamellar/world.hpp>

struct Cell {
  std::atomic<std::uint64_t> left{0}, right{0};  // what the neighbours have sent
  lamellar::Latch over{1};
};

struct Edge {
  lamellar::PeLocal<Cell> cell;
  std::uint64_t value;
  bool to_the_right;
  void exec(lamellar::Context& ctx) const {
    Cell& mine = cell.local(ctx);
    (to_the_right ? mine.left : mine.right) = value;
  }
};
LAMELLAR_AM(Edge, cell, value, to_the_right);

// Is under way until its PE says that all is over.
struct Watch {
  lamellar::PeLocal<Cell> cell;
  lamellar::Task<void> exec(lamellar::Context& ctx) const {
    co_await cell.local(ctx).over.wait();
  }
};
LAMELLAR_AM(Watch, cell);

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const lamellar::PeLocal<Cell> cell(world);
    const lamellar::Pe pes = world.num_pes();
    const lamellar::Pe right = (world.my_pe() + 1) % pes;
    const lamellar::Pe left = (world.my_pe() + pes - 1) % pes;
    world.exec_am_pe<Watch>(right, cell).detach();  // world.wait_all() would wait for this one

    const lamellar::TaskGroup edges = world.task_group();
    std::uint64_t value = 1;
    for (int step = 0; step < 10; ++step) {
      edges.exec_am_pe<Edge>(right, cell, value, true).detach();
      edges.exec_am_pe<Edge>(left, cell, value, false).detach();
      edges.wait_all();  // both have run there
      world.barrier();   // on every PE, so ours have come too
      value += cell.local(world).left + cell.local(world).right;
      world.barrier();
    }

    std::printf("PE %u has %llu\n", world.my_pe(), static_cast<unsigned long long>(value));
    cell.local(world).over.count_down();
    world.wait_all();  // now the watch on the next PE ends
    // Each step tripled it, here and everywhere.
    return value == 59049 ? 0 : 1;
  });
}

// Worlds one after the other, side by side and inside one another, in one process.
#include <algorithm>
#include <climits>
#include <dirent.h>
#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "program.hpp"

using programs::say;

namespace {

struct Double {
  std::vector<int> values;
  std::vector<int> exec(lamellar::Context&) const {
    std::vector<int> twice;
    for (const int value : values) twice.push_back(2 * value);
    return twice;
  }
};
LAMELLAR_AM(Double, values);

std::vector<int> only(int value) { return std::vector<int>(1, value); }

struct Add {
  lamellar::PeLocal<std::atomic<int>> sum;
  int value;
  lamellar::Task<void> exec(lamellar::Context& ctx) const {
    auto future = ctx.world().exec_am_pe<Double>(ctx.source_pe(), only(value)).spawn();
    const std::vector<int> twice = co_await future;
    sum.local(ctx) += twice == only(2 * value);
  }
};
LAMELLAR_AM(Add, sum, value);

// Every kind of message once, large ones too; whether all came out right.
bool use(lamellar::World& world) {
  const lamellar::PeLocal<std::atomic<int>> sum(world, 0);
  const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
  for (int i = 0; i < 100; ++i) world.exec_am_pe<Add>(next, sum, i).detach();
  world.wait_all();
  world.barrier();
  bool right = sum.local(world) == 100;
  std::vector<int> large(20'000, 7);
  right &= world.exec_am_pe<Double>(next, large).block() == std::vector<int>(large.size(), 14);
  right &= world.exec_am_all(Double{only(1)}).block() ==
           std::vector<std::vector<int>>(world.num_pes(), only(2));
  auto task = [](lamellar::World copy, lamellar::Pe pe) -> lamellar::Task<int> {
    auto values = co_await copy.exec_am_pe<Double>(pe, only(4));
    co_return values.at(0);
  };
  right &= world.block_on(task(world, next)) == 8;
  static_cast<void>(world.exec_am_pe<Double>(next, only(1)).spawn());
  return right;
}

long entries_of(const char* folder) {
  long count = 0;
  DIR* const entries = opendir(folder);
  while (const dirent* entry = readdir(entries)) count += entry->d_name[0] != '.';
  closedir(entries);
  return count;
}

struct Resources {
  long fds, threads, maps, bytes;

  static Resources now() {
    // A thread that was joined may be in the list for a moment more: the least of many looks.
    long threads = entries_of("/proc/self/task");
    for (int look = 0; look < 500; ++look)
      threads = std::min(threads, entries_of("/proc/self/task"));
    std::ifstream in("/proc/self/maps");
    std::string line;
    long maps = 0;
    while (std::getline(in, line)) ++maps;
    return {entries_of("/proc/self/fd"), threads, maps,
            static_cast<long>(mallinfo2().uordblks)};
  }
};

int in_a_row(const std::function<bool()>& one_world) {
  mallopt(M_ARENA_MAX, 1);
  int right = 0;
  for (int i = 0; i < 20; ++i) right += one_world();
  const Resources before = Resources::now();
  // A world that leaks does so in every window; a cache of free cells, that of malloc too, still
  // grows in most of the first ones.
  long least_growth = LONG_MAX;
  Resources after = before;
  for (int window = 0; window < 15; ++window) {
    const long bytes = after.bytes;
    for (int i = 0; i < 20; ++i) right += one_world();
    after = Resources::now();
    least_growth = std::min(least_growth, after.bytes - bytes);
  }
  say("right %d", right);
  say("fds %ld", after.fds - before.fds);
  say("threads %ld", after.threads - before.threads);
  say("maps %ld", after.maps - before.maps);
  say("bytes %ld", least_growth);
  return 0;
}

}  // namespace

PROCESS_PROGRAM(worlds_in_a_row) {
  return in_a_row([] {
    return lamellar::WorldBuilder().force_num_pes(2).force_threads(2).launch(
               [](lamellar::World& world) { return use(world) ? 0 : 1; }) == 0;
  });
}

PROCESS_PROGRAM(failing_worlds_in_a_row) {
  std::fclose(stderr);  // a line for each
  return in_a_row([] {
    return lamellar::WorldBuilder().force_num_pes(2).force_threads(2).launch(
               [](lamellar::World& world) {
                 if (world.my_pe() == 1) throw std::runtime_error("planted");
                 return use(world) ? 0 : 1;
               }) == 1;
  });
}

PROCESS_PROGRAM(init_worlds_in_a_row) {
  return in_a_row([] {
    lamellar::World world = lamellar::WorldBuilder().force_threads(2).init();
    return use(world);
  });
}

PROCESS_PROGRAM(worlds_at_once) {
  std::atomic<int> right{0};
  {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&right, thread] {
        for (int i = 0; i < 10; ++i)
          right += lamellar::WorldBuilder()
                       .force_num_pes(static_cast<lamellar::Pe>(1 + thread % 3))
                       .force_threads(2)
                       .name("world " + std::to_string(thread))
                       .launch([thread](lamellar::World& world) {
                         const bool mine = world.name() == "world " + std::to_string(thread);
                         return mine && use(world) ? 0 : 1;
                       }) == 0;
      });
    for (auto& thread : threads) thread.join();
  }
  say("right %d", right.load());
  return 0;
}

// A failing world beside one that goes on.
PROCESS_PROGRAM(one_fails_beside_another) {
  int failed = 0;
  std::thread other([&failed] {
    for (int i = 0; i < 20; ++i)
      failed += lamellar::WorldBuilder().force_num_pes(2).launch([](lamellar::World& world) {
        if (world.my_pe() == 0) throw std::runtime_error("planted");
        world.barrier();
        return 0;
      }) == 1;
  });
  int right = 0;
  for (int i = 0; i < 20; ++i)
    right += lamellar::WorldBuilder().force_num_pes(2).launch(
                 [](lamellar::World& world) { return use(world) ? 0 : 1; }) == 0;
  other.join();
  say("right %d, failed %d", right, failed);
  return 0;
}

// Three worlds of one thread, ended in another order than they were made; then one in a launch.
PROCESS_PROGRAM(init_worlds_together) {
  int right = 0;
  {
    auto first = std::make_unique<lamellar::World>(lamellar::WorldBuilder().name("a").init());
    auto second = std::make_unique<lamellar::World>(lamellar::WorldBuilder().name("b").init());
    const lamellar::PeLocal<int> in_first(*first, 1);
    const lamellar::PeLocal<int> in_second(*second, 2);
    {
      lamellar::World third = lamellar::init();
      right += use(third) && use(*first) && use(*second) && use(third);
    }
    right += in_first.local(*first) == 1 && in_second.local(*second) == 2;
    first.reset();
    right += use(*second);
    second.reset();
  }
  right += lamellar::launch(argc, argv, [](lamellar::World& world) {
             lamellar::World inner = lamellar::WorldBuilder().force_num_pes(1).init();
             return use(inner) && use(world) ? 0 : 1;
           }) == 0;
  say("right %d", right);
  return 0;
}

// A world that ends on another thread than it was made on, and one that outlives main.
PROCESS_PROGRAM(init_world_ends_elsewhere) {
  lamellar::World world = lamellar::WorldBuilder().force_threads(2).init();
  const bool right = use(world);
  std::thread last([kept = std::make_unique<lamellar::World>(std::move(world))]() mutable {
    const bool still_right = use(*kept);
    kept.reset();
    say("ended %d", still_right);
  });
  last.join();
  static lamellar::World outlives = lamellar::WorldBuilder().name("outlives").init();
  say("right %d", right && use(outlives));
  return 0;
}

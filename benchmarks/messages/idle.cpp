// What a PE costs: at rest, when it is woken up, to start, and in memory.
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "harness/rest.hpp"
#include "messages/cases.hpp"

namespace bench {
namespace {

struct AwaitBarrier {
  Task<> exec(Context& context) const { co_await context.world().async_barrier(); }
};
LAMELLAR_AM(AwaitBarrier);

// When it ran there; all PEs are on one host and share the clock.
struct Clock {
  double exec(Context&) const { return now(); }
};
LAMELLAR_AM(Clock);

struct Cpu {
  std::uint64_t process = 0;
  double seconds = 0;
};
LAMELLAR_FIELDS(Cpu, process, seconds);
struct CpuOf {
  Cpu exec(Context&) const {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return {static_cast<std::uint64_t>(getpid()), seconds(used.ru_utime) + seconds(used.ru_stime)};
  }
};
LAMELLAR_AM(CpuOf);

struct Memory {
  std::uint64_t process = 0;
  double resident_mib = 0;
  double own_mib = 0;  // pages shared by n processes count 1/n
};
LAMELLAR_FIELDS(Memory, process, resident_mib, own_mib);
struct MemoryOf {
  Memory exec(Context&) const {
    Memory memory{static_cast<std::uint64_t>(getpid()), 0, 0};
    std::ifstream rollup("/proc/self/smaps_rollup");
    std::string word;
    while (rollup >> word) {
      if (word == "Rss:" && rollup >> memory.resident_mib) memory.resident_mib /= 1024;
      if (word == "Pss:" && rollup >> memory.own_mib) memory.own_mib /= 1024;
    }
    return memory;
  }
};
LAMELLAR_AM(MemoryOf);

// CPU time of all PEs' processes.
double cpu_of_all(const World& world) {
  std::set<std::uint64_t> seen;
  double all = 0;
  for (const Cpu& cpu : world.exec_am_all(CpuOf{}).block())
    if (seen.insert(cpu.process).second) all += cpu.seconds;
  return all;
}

// Collective: every PE waits for a message for that long. The barrier they wait in completes when a
// thread beside PE 0's enters it; PE 0's own waits for an answer that waits for that barrier.
void all_wait(World& world, double seconds) {
  if (world.my_pe() == 0) {
    std::thread ender([&] {
      pass(seconds);
      world.barrier();
      world.barrier();
    });
    world.exec_am_pe(1, AwaitBarrier{}).block();
    ender.join();
  } else {
    world.barrier();
    if (world.my_pe() != 1) world.barrier();
  }
}

struct Totals {
  double resident_mib = 0;
  double own_mib = 0;
};
Totals memory_of_pe(const World& world) {
  std::set<std::uint64_t> seen;
  Totals all;
  for (const Memory& memory : world.exec_am_all(MemoryOf{}).block()) {
    if (!seen.insert(memory.process).second) continue;
    all.resident_mib += memory.resident_mib / world.num_pes();
    all.own_mib += memory.own_mib / world.num_pes();
  }
  return all;
}

}  // namespace

// How much of a core all PEs together use while they wait; how long a PE that sleeps takes to run a
// message.
void idle(World& world, const Arguments& arguments) {
  const double seconds = arguments.seconds;
  world.barrier();
  double before = 0;
  double start = 0;
  if (world.my_pe() == 0) {
    before = cpu_of_all(world);
    start = now();
  }
  all_wait(world, seconds);
  if (world.my_pe() != 0) return;  // into the last barrier: sleeps
  const double used = cpu_of_all(world) - before;
  result("idle_percent", used / (now() - start) * 100);

  std::vector<double> woken;
  for (int i = 0; i < 20; ++i) {
    for (const double until = now() + 0.005; now() < until;) relax();
    const double sent = now();
    woken.push_back((world.exec_am_pe(1, Clock{}).block() - sent) * 1e6);
  }
  result("wake_us", median(std::move(woken)));
}

// BENCH_START: when the launcher was started, in seconds of now().
void start_up(World& world, const Arguments& arguments) {
  world.barrier();
  if (world.my_pe() == 0) {
    if (const char* began = std::getenv("BENCH_START"); began != nullptr)
      result("start_ms", (now() - std::atof(began)) * 1e3);
    const Totals fresh = memory_of_pe(world);
    result("resident_mib", fresh.resident_mib);
    result("own_mib", fresh.own_mib);
  }
  world.barrier();
  const std::uint64_t count = arguments.number(0, 100000);
  const Pe next = (world.my_pe() + 1) % world.num_pes();
  for (std::uint64_t i = 0; i < count; ++i) world.exec_am_pe(next, Add{i}).detach();
  world.wait_all();
  world.barrier();
  if (world.my_pe() != 0) return;
  const Totals used = memory_of_pe(world);
  result("resident_after_rate_mib", used.resident_mib);
  result("own_after_rate_mib", used.own_mib);
}

}  // namespace bench

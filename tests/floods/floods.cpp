// PEs that send as fast as they can for so many seconds, one process each, while one more asks all
// of them something and looks at the memory they take.
//   floods three_to_one|both_ways|all_to_all SECONDS
// Each line it prints is a figure; what is wrong goes to standard error and into the status.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include <lamellar/world.hpp>

namespace {

using lamellar::Context;
using lamellar::Future;
using lamellar::Pe;
using lamellar::PeLocal;
using lamellar::World;
using Clock = std::chrono::steady_clock;

constexpr Pe kMostPes = 16;
constexpr std::uint64_t kLimit = 64 << 20;  // LAMELLAR_BUFFER_LIMIT, the default

// What came to a PE, by source.
struct Tally {
  std::array<std::atomic<std::uint64_t>, kMostPes> count{};
  std::array<std::atomic<std::uint64_t>, kMostPes> sum{};
  std::array<std::atomic<std::uint64_t>, kMostPes> forwarded{};
  void note(Pe source, std::uint64_t number) {
    count[source].fetch_add(1, std::memory_order_relaxed);
    sum[source].fetch_add(number, std::memory_order_relaxed);
  }
};

struct Slow {
  PeLocal<Tally> tally;
  std::uint64_t number;
  void exec(Context& context) const {
    tally.local(context).note(context.source_pe(), number);
    const auto until = Clock::now() + std::chrono::microseconds(10);
    while (Clock::now() < until) {
    }
  }
};
LAMELLAR_AM(Slow, tally, number);

struct Forwarded {
  PeLocal<Tally> tally;
  void exec(Context& context) const {
    tally.local(context).forwarded[context.source_pe()].fetch_add(1, std::memory_order_relaxed);
  }
};
LAMELLAR_AM(Forwarded, tally);

// Its handler sends one more.
struct PassOn {
  PeLocal<Tally> tally;
  std::uint64_t number;
  Pe flooding;
  void exec(Context& context) const {
    tally.local(context).note(context.source_pe(), number);
    const Pe next = (context.my_pe() + 1) % flooding;
    context.world().exec_am_pe<Forwarded>(next, tally).detach();
  }
};
LAMELLAR_AM(PassOn, tally, number, flooding);

struct Echo {
  std::uint64_t number;
  std::vector<std::uint64_t> exec(Context&) const { return std::vector<std::uint64_t>(64, number); }
};
LAMELLAR_AM(Echo, number);

struct Ask {
  std::uint64_t number;
  std::uint64_t exec(Context&) const { return number + 1; }
};
LAMELLAR_AM(Ask, number);

struct ProcessId {
  std::int64_t exec(Context&) const { return getpid(); }
};
LAMELLAR_AM(ProcessId);

struct Came {  // count and sum of what came from the asker
  PeLocal<Tally> tally;
  std::array<std::uint64_t, 2> exec(Context& context) const {
    Tally& here = tally.local(context);
    return {here.count[context.source_pe()].load(), here.sum[context.source_pe()].load()};
  }
};
LAMELLAR_AM(Came, tally);

struct Total {  // of all that came
  PeLocal<Tally> tally;
  std::uint64_t exec(Context& context) const {
    std::uint64_t sum = 0;
    for (const auto& count : tally.local(context).count) sum += count.load();
    return sum;
  }
};
LAMELLAR_AM(Total, tally);

std::atomic<int> g_wrong{0};

void wrong(const std::string& what) {
  std::fprintf(stderr, "floods: %s\n", what.c_str());
  ++g_wrong;
}

// --- memory --------------------------------------------------------------------------------

// Resident bytes of a process; pages it shares count in parts.
std::uint64_t resident(std::int64_t pid) {
  std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string word; rollup >> word;)
    if (word == "Pss:") {
      std::uint64_t kib = 0;
      rollup >> kib;
      return kib << 10;
    }
  return 0;
}

class Memory {
 public:
  explicit Memory(const World& world) {
    for (const std::int64_t pid : world.exec_am_all<ProcessId>().block())
      pes_.push_back({pid, resident(pid), 0});
    for (const One& pe : pes_)
      if (pe.start == 0) wrong("/proc does not tell the memory of a PE");
  }
  void sample() {
    ++samples_;
    for (One& pe : pes_) pe.most = std::max(pe.most, resident(pe.pid));
  }
  void judge() const {
    if (samples_ == 0) wrong("no sample of memory was taken");
    for (Pe pe = 0; pe < pes_.size(); ++pe) {
      const std::uint64_t grown =
          pes_[pe].most > pes_[pe].start ? pes_[pe].most - pes_[pe].start : 0;
      std::printf("PE %u grew by %llu KiB at most (%d samples)\n", pe,
                  static_cast<unsigned long long>(grown >> 10), samples_);
      if (grown > kLimit) wrong("PE " + std::to_string(pe) + " is above LAMELLAR_BUFFER_LIMIT");
    }
  }

 private:
  struct One {
    std::int64_t pid;
    std::uint64_t start, most;
  };
  std::vector<One> pes_;
  int samples_ = 0;
};

// --- the floods ----------------------------------------------------------------------------

bool goes_on(Clock::time_point end, std::uint64_t sent) {
  return sent % 256 != 0 || Clock::now() < end;
}

// Every message came once: their number and the sum of their numbers say so.
void check_came(const World& world, Pe to, const PeLocal<Tally>& tally, std::uint64_t sent) {
  const std::array<std::uint64_t, 2> came = world.exec_am_pe<Came>(to, tally).block();
  const std::array<std::uint64_t, 2> expected = {sent, sent * (sent + 1) / 2};
  if (came != expected)
    wrong("PE " + std::to_string(world.my_pe()) + " sent " + std::to_string(sent) + " to PE " +
          std::to_string(to) + ", there came " + std::to_string(came[0]));
}

void send_slow(const World& world, const PeLocal<Tally>& tally, Clock::time_point end) {
  std::uint64_t sent = 0;
  while (goes_on(end, sent)) world.exec_am_pe<Slow>(0, tally, ++sent).detach();
  world.wait_all();
  check_came(world, 0, tally, sent);
  std::printf("PE %u sent %llu\n", world.my_pe(), static_cast<unsigned long long>(sent));
}

void send_and_await(const World& world, Clock::time_point end) {
  constexpr std::size_t kWindow = 4000;
  const Pe to = 1 - world.my_pe();
  std::deque<std::pair<std::uint64_t, Future<std::vector<std::uint64_t>>>> open;
  std::uint64_t sent = 0;
  const auto take = [&] {
    const auto values = open.front().second.block();
    if (values != std::vector<std::uint64_t>(64, open.front().first)) wrong("another answer");
    open.pop_front();
  };
  while (goes_on(end, sent)) {
    ++sent;
    open.emplace_back(sent, world.exec_am_pe<Echo>(to, sent).spawn());
    if (open.size() == kWindow) take();
  }
  while (!open.empty()) take();
  std::printf("PE %u sent %llu and got as many answers\n", world.my_pe(),
              static_cast<unsigned long long>(sent));
}

std::uint64_t send_to_all(const World& world, const PeLocal<Tally>& tally, Pe flooding,
                          Clock::time_point end) {
  std::uint64_t sent = 0;
  while (goes_on(end, sent)) {
    ++sent;
    for (Pe pe = 0; pe < flooding; ++pe)
      if (pe != world.my_pe()) world.exec_am_pe<PassOn>(pe, tally, sent, flooding).detach();
  }
  return sent;
}

// Round trips to the PEs that are flooded, all the time.
void ask(const World& world, Pe flooding, Clock::time_point end, Memory& memory) {
  std::uint64_t asked = 0;
  auto longest = Clock::duration::zero();
  do {
    const auto begin = Clock::now();
    if (world.exec_am_pe<Ask>(asked % flooding, asked).block() != asked + 1)
      wrong("another answer");
    longest = std::max(longest, Clock::now() - begin);
    ++asked;
    memory.sample();
  } while (Clock::now() < end);
  std::printf("%llu questions answered, the longest took %lld us\n",
              static_cast<unsigned long long>(asked),
              static_cast<long long>(
                  std::chrono::duration_cast<std::chrono::microseconds>(longest).count()));
  if (asked < 2) wrong("the flood lets nobody else through");
}

// All PEs: what handlers sent has run, too, and came once.
void settle(const World& world, const PeLocal<Tally>& tally, Pe flooding, std::uint64_t sent) {
  for (int round = 0; round < 2; ++round) {  // what was sent; what its handlers sent
    world.wait_all();
    world.barrier();
  }
  if (world.my_pe() >= flooding) return;
  for (Pe pe = 0; pe < flooding; ++pe)
    if (pe != world.my_pe()) check_came(world, pe, tally, sent);
  // The PE in front passes on all that it gets.
  Tally& mine = tally.local();
  const Pe before = (world.my_pe() + flooding - 1) % flooding;
  if (mine.forwarded[before].load() != world.exec_am_pe<Total>(before, tally).block())
    wrong("something that was passed on is lost or doubled");
  std::printf("PE %u sent %llu to each\n", world.my_pe(), static_cast<unsigned long long>(sent));
}

int run(World& world, const std::string& mode, double seconds) {
  const PeLocal<Tally> tally(world);
  const Pe asker = world.num_pes() - 1;
  const Pe flooding = mode == "three_to_one" ? 1 : asker;  // those who are asked
  const bool asks = world.my_pe() == asker;
  std::vector<Memory> memory;
  if (asks) memory.emplace_back(world);
  world.barrier();
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds));
  std::uint64_t sent = 0;
  if (asks) {
    ask(world, flooding, end, memory[0]);
  } else if (mode == "three_to_one") {
    if (world.my_pe() != 0) send_slow(world, tally, end);
  } else if (mode == "both_ways") {
    send_and_await(world, end);
  } else {
    sent = send_to_all(world, tally, flooding, end);
  }
  if (mode == "all_to_all") settle(world, tally, flooding, sent);
  world.barrier();
  if (asks) {
    memory[0].sample();
    memory[0].judge();
  }
  const lamellar::BufferUse use = world.buffer_use();
  std::printf("PE %u: %llu KiB waited for credit at most, %llu times above the soft limit\n",
              world.my_pe(), static_cast<unsigned long long>(use.most_spilled >> 10),
              static_cast<unsigned long long>(use.times_held_back));
  if (use.most_spilled > kLimit / 2 + (1 << 20)) wrong("above LAMELLAR_SPILL_HARD");
  if (use.spilled != 0) wrong("something still waits for credit");
  world.barrier();
  return g_wrong.load() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: floods three_to_one|both_ways|all_to_all SECONDS\n");
    return 2;
  }
  const std::string mode = argv[1];
  const double seconds = std::atof(argv[2]);
  return lamellar::launch(argc, argv, [&](World& world) { return run(world, mode, seconds); });
}

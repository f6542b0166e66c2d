// How many messages pass when many travel together.
#include "messages/cases.hpp"

namespace bench {
namespace {

constexpr std::uint64_t kRound = 1 << 20;

struct TextAndData {
  std::string text;
  std::vector<std::uint32_t> data;
  void exec(Context& context) const {
    Here& mine = here(context);
    mine.sum += data.back() + text.size();
    ++mine.executed;
  }
};
LAMELLAR_AM(TextAndData, text, data);

struct Square {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value * value; }
};
LAMELLAR_AM(Square, value);

struct Count {
  std::uint64_t index;
  void exec(Context& context) const { ++here(context).table[index]; }
};
LAMELLAR_AM(Count, index);

struct Counted {
  std::uint64_t exec(Context& context) const {
    std::uint64_t all = 0;
    for (const std::uint64_t count : here(context).table) all += count;
    return all;
  }
};
LAMELLAR_AM(Counted);

// Rate of `send`, called kRound times, until all has run on PE 1, in M/s.
template <class Send>
double flood_mps(const World& world, double seconds, std::uint64_t count, Send&& send) {
  std::uint64_t sent = 0;
  const double round = median_round(seconds, [&] {
    const double start = now();
    for (std::uint64_t i = 0; i < count; ++i) send();
    world.wait_all();
    sent += count;
    return now() - start;
  });
  check_executed(world, 1, sent);
  return static_cast<double>(count) / round / 1e6;
}

}  // namespace

void one_way(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  Draw draw;
  result("one_way_mps", flood_mps(world, arguments.seconds, kRound, [&] {
           world.exec_am_pe(1, Add{draw()}).detach();
         }));
}

void unaggregated(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  Draw draw;
  result("unaggregated_mps", flood_mps(world, arguments.seconds, kRound / 16, [&] {
           world.exec_am_pe(1, Add{draw()}).detach();
           world.flush();
         }));
}

// 24 characters and 8 numbers: with their lengths 64 bytes.
void text_and_data(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  const TextAndData message{"twenty-four characters..", {1, 2, 3, 4, 5, 6, 7, 8}};
  result("text_and_data_mps", flood_mps(world, arguments.seconds, kRound / 8, [&] {
           world.exec_am_pe(1, message).detach();
         }));
}

// 4096 answers under way at any time.
void with_result(World& world, const Arguments& arguments) {
  if (world.my_pe() != 0) return;
  constexpr std::uint64_t kWindow = 4096;
  constexpr std::uint64_t kCount = kRound / 8;
  std::vector<lamellar::Future<std::uint64_t>> window(kWindow);
  const double round = median_round(arguments.seconds, [&] {
    const double start = now();
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < kCount + kWindow; ++i) {
      auto& slot = window[i % kWindow];
      if (slot.valid()) sum += slot.block();
      if (i < kCount) slot = world.exec_am_pe(1, Square{i}).spawn();
    }
    const double took = now() - start;
    if (sum != (kCount - 1) * kCount * (2 * kCount - 1) / 6)
      throw lamellar::Error("the results were wrong");
    return took;
  });
  result("with_result_mps", kCount / round / 1e6);
}

namespace {

// Collective: every PE sends kRound messages to `to`; M/s of one PE.
double all_send_mps(const World& world, const Arguments& arguments, Pe to) {
  Draw draw(world.my_pe());
  const double seconds = median_together(world, arguments.seconds, [&] {
    for (std::uint64_t i = 0; i < kRound; ++i) world.exec_am_pe(to, Add{draw()}).detach();
    world.wait_all();
  });
  return kRound / seconds / 1e6;
}

}  // namespace

void both_ways(World& world, const Arguments& arguments) {
  const double rate = all_send_mps(world, arguments, 1 - world.my_pe() % 2);
  if (world.my_pe() == 0) result("both_ways_mps", rate);
}

// Every PE sends to the next one; the rate is that of all PEs together.
void ring(World& world, const Arguments& arguments) {
  const double rate = all_send_mps(world, arguments, (world.my_pe() + 1) % world.num_pes());
  if (world.my_pe() == 0) result("ring_mps", rate * world.num_pes());
}

// bale's histogram: every PE adds to random entries of a table spread over all PEs; those that are
// its own count too. NUMBERS: entries of a PE.
void histogram(World& world, const Arguments& arguments) {
  const std::uint64_t entries = arguments.number(0, 10000);
  here_of(world.my_pe()).table.assign(entries, 0);
  world.barrier();
  constexpr std::uint64_t kUpdates = kRound / 2;
  const auto updates = draw_updates(world.my_pe(), world.num_pes(), entries, kUpdates);
  std::uint64_t rounds = 0;
  const double seconds = median_together(world, arguments.seconds, [&] {
    for (const std::uint64_t update : updates)
      world.exec_am_pe(Pe{pe_of(update)}, Count{place_of(update)}).detach();
    world.wait_all();
    ++rounds;
  });
  if (world.my_pe() != 0) return;
  std::uint64_t counted = 0;
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    counted += world.exec_am_pe(pe, Counted{}).block();
  if (counted != rounds * kUpdates * world.num_pes())
    throw lamellar::Error("the histogram has lost updates");
  result("histogram_mps", kUpdates * world.num_pes() / seconds / 1e6);
}

}  // namespace bench

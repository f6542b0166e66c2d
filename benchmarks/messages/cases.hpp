#pragma once
// The cases of bench_messages and what they share. Every PE runs a case; PE 0 prints the results.
// One thread a PE, on its core. A case that finds a wrong sum throws.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/world.hpp>

#include "harness/measure.hpp"

namespace bench {

using lamellar::Context;
using lamellar::Pe;
using lamellar::Task;
using lamellar::World;

// What messages work on. Not a PeLocal: its id would make an 8-byte message a 16-byte one. The two
// counts lie apart: side by side g++ adds to both by one vector operation through memory, and the
// rate would be that of this chain (near: 288 M/s; apart 470, in turns).
struct alignas(128) Here {
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> table;
  std::uint64_t executed = 0;
};
Here& here_of(Pe pe);

// Of the PE whose thread runs the calling code; a PE has one thread here.
inline thread_local Here* t_here = nullptr;
inline Here& here(const Context& context) {
  if (t_here == nullptr) [[unlikely]]
    t_here = &here_of(context.my_pe());
  return *t_here;
}

struct Add {
  std::uint64_t value;
  void exec(Context& context) const {
    Here& mine = here(context);
    mine.sum += value;
    ++mine.executed;
  }
};
LAMELLAR_AM(Add, value);

// How many messages a PE has executed.
struct Executed {
  std::uint64_t exec(Context& context) const { return here(context).executed; }
};
LAMELLAR_AM(Executed);

// Throws when PE `pe` has not executed `expected` messages.
inline void check_executed(const World& world, Pe pe, std::uint64_t expected) {
  const std::uint64_t got = world.exec_am_pe(pe, Executed{}).block();
  if (got != expected)
    throw lamellar::Error("PE " + std::to_string(pe) + " has executed " + std::to_string(got) +
                          " messages, not " + std::to_string(expected));
}

// Collective: every PE learns what PE 0 says.
std::uint64_t from_pe0(const World& world, std::uint64_t mine);

// Collective: all PEs run `round` together, behind a barrier, until about `seconds` are over, at
// least three times and once to warm up. Returns the median of a round, from the barrier to the
// moment all have ended it, as PE 0 saw it.
template <class Round>
double median_together(const World& world, double seconds, Round&& round) {
  std::vector<double> all;
  std::uint64_t rounds = 1;
  for (std::uint64_t i = 0; i <= rounds; ++i) {
    world.barrier();
    const double start = now();
    round();
    world.barrier();
    const double took = now() - start;
    if (i == 0)
      rounds = from_pe0(world, std::clamp<std::uint64_t>(
                                   static_cast<std::uint64_t>(seconds / took), 3, 100000));
    else
      all.push_back(took);
  }
  return median(std::move(all));
}

// PE 0 measures, the others serve it.
void round_trip(World& world, const Arguments& arguments);
void one_way(World& world, const Arguments& arguments);
void unaggregated(World& world, const Arguments& arguments);
void with_result(World& world, const Arguments& arguments);
void text_and_data(World& world, const Arguments& arguments);
void coroutine(World& world, const Arguments& arguments);
// All PEs at once.
void both_ways(World& world, const Arguments& arguments);
void histogram(World& world, const Arguments& arguments);
void barrier(World& world, const Arguments& arguments);
void pairs(World& world, const Arguments& arguments);
void ring(World& world, const Arguments& arguments);
void idle(World& world, const Arguments& arguments);
void start_up(World& world, const Arguments& arguments);

// Calls of operator new so far by the calling thread.
std::uint64_t allocations() noexcept;

}  // namespace bench

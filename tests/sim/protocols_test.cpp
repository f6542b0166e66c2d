// The message protocols under schedules and faults drawn from a seed: nothing is lost, doubled or
// forgotten, and nobody waits for ever (then the simulation ends: every thread sleeps). The seed
// decides everything, the protocol too.
#include "base/clock/sim.hpp"

#include <gtest/gtest.h>
#include <lamellar/world.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock/rng.hpp"
#include "sim/protocols.hpp"
#include "support/captured_log.hpp"
#include "support/seeds.hpp"

namespace sim_protocols_test {

using lamellar::Context;
using lamellar::Future;
using lamellar::Pe;
using lamellar::PeLocal;
using lamellar::Task;
using lamellar::World;
using lamellar::testing_support::for_seeds;
using lamellar::testing_support::for_these_seeds;
using lamellar::testing_support::schedules;
using Counter = std::atomic<std::uint64_t>;

struct Increment {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value + 1; }
};
LAMELLAR_AM(Increment, value);

struct Count {
  PeLocal<Counter> counter;
  std::uint64_t by;
  void exec(Context& context) const { counter.local(context) += by; }
};
LAMELLAR_AM(Count, counter, by);

// Plain, and nobody waits: each sends three more, from inside a handler, down to the leaves.
constexpr std::uint32_t kFanDepth = 3;
constexpr std::uint64_t kFanned = 1 + 3 + 9 + 27;
Counter g_fanned_out{0};
struct FanOut {
  std::uint32_t depth;
  void exec(Context& context) const {
    ++g_fanned_out;
    const World world = context.world();
    for (Pe i = 0; i < 3 && depth != 0; ++i)
      world.exec_am_pe<FanOut>(pe_behind(world, i), depth - 1).detach();
  }
};
LAMELLAR_AM(FanOut, depth);

// Awaits two more of its kind, one after a pause.
struct Nested {
  std::uint32_t depth;
  Task<std::uint64_t> exec(Context& context) const {
    if (depth == 0) co_return 1;
    const World world = context.world();
    const std::uint32_t below = depth - 1;
    auto first = world.exec_am_pe<Nested>(next_pe(world), below).spawn();
    co_await lamellar::sleep_for(std::chrono::microseconds(depth));
    const std::uint64_t second = co_await world.exec_am_pe<Nested>(next_pe(world), below);
    const std::uint64_t rest = co_await first;
    co_return rest + second + 1;
  }
};
LAMELLAR_AM(Nested, depth);

// Bytes that tell where they belong; the answer is as large.
struct Large {
  std::vector<std::uint32_t> words;
  std::vector<std::uint32_t> exec(Context&) const {
    std::vector<std::uint32_t> back = words;
    for (std::uint32_t& word : back) ++word;
    return back;
  }
};
LAMELLAR_AM(Large, words);

// Counts what comes from each PE; it may suspend, and be larger than a frame.
struct CountBySource {
  PeLocal<std::array<Counter, 16>> counts;
  std::uint32_t sleep_us;
  std::vector<std::uint32_t> words;
  Task<void> exec(Context& context) const {
    if (sleep_us != 0) co_await lamellar::sleep_for(std::chrono::microseconds(sleep_us));
    ++counts.local(context)[context.source_pe()];
  }
};
LAMELLAR_AM(CountBySource, counts, sleep_us, words);

struct CountOf {
  PeLocal<std::array<Counter, 16>> counts;
  std::uint64_t exec(Context& context) const {
    return counts.local(context)[context.source_pe()];
  }
};
LAMELLAR_AM(CountOf, counts);

// Each sends two more: one that nobody waits for, one whose answer is longer than itself. More than
// pools of a few frames take, in circles.
constexpr std::uint32_t kStormDepth = 4;
constexpr std::uint64_t kStormed = (2u << kStormDepth) - 1;
Counter g_stormed{0};
struct Storm {
  std::uint32_t depth;
  std::vector<std::uint32_t> exec(Context& context) const {
    ++g_stormed;
    const World world = context.world();
    if (depth != 0) {
      world.exec_am_pe<Storm>(pe_behind(world, depth), depth - 1).detach();
      auto dropped = world.exec_am_pe<Storm>(next_pe(world), depth - 1).spawn();
    }
    return std::vector<std::uint32_t>(20 * depth, depth);
  }
};
LAMELLAR_AM(Storm, depth);

namespace {

// --- the protocols: 0, or how often something was wrong ------------------------------------

int round_trips(World& world) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = world.exec_am_pe<Increment>(next_pe(world), value).block();
  std::vector<Future<std::uint64_t>> futures;
  for (std::uint64_t i = 0; i < 6; ++i)
    futures.push_back(world.exec_am_pe<Increment>(pe_behind(world, i), i).spawn());
  int wrong = value != 8;
  for (std::uint64_t i = 0; i < 6; ++i) wrong += futures[i].block() != i + 1;
  return wrong;
}

int flood(World& world) {
  const PeLocal<Counter> counter(world);
  const std::uint64_t most = 24 / std::max(1u, world.num_pes() - 1);
  for (std::uint64_t i = 1; i <= most; ++i)
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      if (pe != world.my_pe()) world.exec_am_pe<Count>(pe, counter, i).detach();
  world.wait_all();
  world.barrier();
  return counter.local(world).load() != (world.num_pes() - 1) * most * (most + 1) / 2;
}

int flood_with_answers(World& world) {
  std::vector<Future<std::uint64_t>> futures;
  for (std::uint64_t i = 0; i < 24; ++i)
    futures.push_back(world.exec_am_pe<Increment>(pe_behind(world, i), i).spawn());
  int wrong = 0;
  for (std::uint64_t i = 0; i < 24; ++i) wrong += futures[i].block() != i + 1;
  return wrong;
}

int to_all(World& world) {
  int wrong = 0;
  for (std::uint64_t round = 0; round < 6; ++round) {
    const auto got = world.exec_am_all(Increment{round}).block();
    wrong += got != std::vector<std::uint64_t>(world.num_pes(), round + 1);
  }
  return wrong;
}

int nested(World& world) {
  auto other = world.exec_am_pe<Nested>(next_pe(world), std::uint32_t{2}).spawn();
  const std::uint64_t one = world.exec_am_pe<Nested>(next_pe(world), std::uint32_t{2}).block();
  return (one != 7) + (other.block() != 7);
}

// Nobody in the job waits for what handlers send on: its end does.
int fan_out(World& world) {
  world.exec_am_pe<FanOut>(next_pe(world), kFanDepth).detach();
  return 0;
}
int all_fanned_out(Pe pes) { return g_fanned_out.exchange(0) != pes * kFanned; }

int storm(World& world) {
  auto first = world.exec_am_pe<Storm>(next_pe(world), kStormDepth).spawn();
  auto second = world.exec_am_pe<Storm>(pe_behind(world, 2), kStormDepth).spawn();
  const int wrong = first.block() != std::vector<std::uint32_t>(20 * kStormDepth, kStormDepth);
  return wrong + (second.block().size() != 20 * kStormDepth);
}
int all_stormed(Pe pes) { return g_stormed.exchange(0) != 2 * pes * kStormed; }

int wait_all_and_barriers(World& world) {
  const PeLocal<Counter> counter(world);
  int wrong = 0;
  for (std::uint64_t phase = 1; phase <= 3; ++phase) {
    for (int i = 0; i < 4; ++i)
      world.exec_am_pe<Count>(next_pe(world), counter, std::uint64_t{1}).detach();
    if (phase % 2 == 0) {
      world.wait_all();
      world.barrier();
    } else {
      world.async_wait_all().block();
      world.async_barrier().block();
    }
    wrong += counter.local(world).load() < 4 * phase;
    world.barrier();
    wrong += counter.local(world).load() != 4 * phase;
    world.barrier();
  }
  return wrong;
}

int large(World& world) {
  std::vector<Future<std::vector<std::uint32_t>>> futures;
  for (std::uint32_t i = 0; i < 3; ++i) {
    std::vector<std::uint32_t> words(300 + 500 * i);
    std::iota(words.begin(), words.end(), i);
    futures.push_back(world.exec_am_pe<Large>(next_pe(world), words).spawn());
  }
  int wrong = 0;
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::vector<std::uint32_t> got = futures[i].block();
    wrong += got.size() != 300 + 500 * i;
    for (std::uint32_t at = 0; at < got.size(); ++at) wrong += got[at] != i + 1 + at;
  }
  return wrong;
}

// wait_all is over: what this PE sent to all has run on all.
int broadcasts(World& world) {
  const PeLocal<std::array<Counter, 16>> counts(world);
  int wrong = 0;
  for (std::uint32_t round = 1; round <= 3; ++round) {
    const std::vector<std::uint32_t> words(round == 2 ? 700 : 3);
    world.exec_am_all<CountBySource>(counts, 10 * (round - 1), words).detach();
    world.exec_am_all<CountBySource>(counts, 0u, words).detach();
    world.wait_all();
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      wrong += world.exec_am_pe<CountOf>(pe, counts).block() != 2 * round;
  }
  world.barrier();
  return wrong;
}

// Two groups, of which one has been held back.
int groups(World& world) {
  const PeLocal<std::array<Counter, 16>> counts(world);
  const lamellar::TaskGroup slow = world.task_group();
  const lamellar::TaskGroup quick = world.task_group();
  const PeLocal<Counter> counter(world);
  const std::vector<std::uint32_t> words(3), more_words(700);
  int wrong = 0;
  for (std::uint32_t round = 1; round <= 3; ++round) {
    for (std::uint32_t i = 0; i < 4; ++i)
      slow.exec_am_pe<CountBySource>(pe_behind(world, i), counts, 5 * i,
                                     i == 2 ? more_words : words).detach();
    slow.exec_am_all<CountBySource>(counts, 3u, words).detach();
    auto answer = quick.exec_am_pe<Increment>(next_pe(world), std::uint64_t{round}).spawn();
    for (int i = 0; i < 6; ++i)
      quick.exec_am_pe<Count>(pe_behind(world, i), counter, std::uint64_t{1}).detach();
    if (round != 2) {
      quick.wait_all();
      slow.wait_all();
    } else {
      quick.async_wait_all().block();
      slow.async_wait_all().block();
    }
    std::uint64_t sum = 0;
    for (Pe pe = 0; pe < world.num_pes(); ++pe)
      sum += world.exec_am_pe<CountOf>(pe, counts).block();
    wrong += sum != round * (4 + world.num_pes());
    wrong += answer.block() != round + 1;
  }
  world.barrier();
  wrong += counter.local(world).load() != 18;
  world.barrier();
  return wrong;
}

constexpr Protocol kProtocols[] = {
    {"round_trips", round_trips},
    {"flood", flood},
    {"flood_with_answers", flood_with_answers},
    {"to_all", to_all},
    {"nested", nested},
    {"fan_out", fan_out, all_fanned_out},
    {"wait_all_and_barriers", wait_all_and_barriers},
    {"large", large},
};
constexpr Protocol kBroadcasts{"broadcasts", broadcasts};
constexpr Protocol kGroups{"groups", groups};
constexpr Protocol kStorm{"storm", storm, all_stormed};

// Everything that the seed decides.
struct Shape {
  Protocol protocol;
  Pe pes;
  std::uint32_t threads;
  std::string pool, frame_bytes, flush_us, executor, faults, soft, progress;
};

Shape shape_of(std::uint64_t seed, std::span<const Protocol> protocols) {
  lamellar::base::Rng rng(seed);
  const auto pick = [&](auto... choices) {
    const std::common_type_t<decltype(choices)...> all[] = {choices...};
    return all[rng.next() % sizeof...(choices)];
  };
  Shape shape;
  shape.protocol = protocols[rng.next() % protocols.size()];
  shape.pes = pick(2u, 2u, 3u, 4u);
  shape.threads = pick(1u, 1u, 2u, 3u);
  shape.pool = pick("4", "4", "8", "64");
  shape.frame_bytes = pick("1024", "1024", "4096");
  shape.flush_us = pick("200", "200", "20", "0");
  shape.executor = pick("stealing", "stealing", "fifo", "priority", "single");
  // Each alone, and all together.
  std::vector<std::string> faults;
  const std::uint64_t which = rng.next();
  if (which % 2 == 0) faults.push_back(pick("delay=0.3:10us", "delay=0.1:100us", "delay=1:30us"));
  if (which / 2 % 2 == 0) faults.push_back(pick("reorder=0.1", "reorder=0.5"));
  if (which / 4 % 2 == 0) faults.push_back(pick("refuse=0.1", "refuse=0.5", "refuse=0.8"));
  if (which / 8 % 2 == 0) faults.push_back(pick("slow_poll=0.3", "slow_poll=0.2:5us"));
  for (const std::string& fault : faults)
    shape.faults += (shape.faults.empty() ? "" : ",") + fault;
  // Drawn last, so that seeds keep what they meant before.
  shape.progress = pick("helper", "poll", "poll");
  shape.soft = "0";  // more than any of them comes to
  if (protocols.data() != kProtocols) return shape;
  shape.soft = pick("0", "0", "1", "2K", "8K");
  if (rng.next() % 4 == 0) shape.protocol = kStorm;
  const std::uint64_t later = rng.next();
  if (later % 4 == 0) {
    shape.protocol = later / 4 % 2 == 0 ? kBroadcasts : kGroups;
    if (later / 8 % 2 == 0) shape.pes = pick(4u, 5u, 7u);
  }
  return shape;
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.protocol.name << " on " << shape.pes << " PEs of " << shape.threads
             << " threads (" << shape.executor << "), pool " << shape.pool << " of "
             << shape.frame_bytes << ", flush " << shape.flush_us << " us, soft " << shape.soft
             << ", progress " << shape.progress
             << ", faults " << shape.faults;
}

int launch(const Shape& shape, std::uint64_t seed) {
  return lamellar::WorldBuilder()
      .force_num_pes(shape.pes)
      .force_threads(shape.threads)
      .force("POOL_FRAMES", shape.pool)
      .force("FRAME_BYTES", shape.frame_bytes)
      .force("FLUSH_US", shape.flush_us)
      .force("EXECUTOR", shape.executor)
      .force("SPILL_SOFT", shape.soft)
      .force("PROGRESS", shape.progress)
      .force("FAULTS", shape.faults)
      .force("FAULT_SEED", std::to_string(seed))
      .launch([&](World& world) { return shape.protocol.run(world); });
}

}  // namespace

std::span<const Protocol> message_protocols() { return kProtocols; }

void search(std::uint64_t seed, std::span<const Protocol> protocols) {
  const Shape shape = shape_of(seed, protocols);
  EXPECT_EQ(0, launch(shape, seed)) << shape;
  EXPECT_EQ(0, shape.protocol.after(shape.pes)) << shape;
}

namespace {

void search(std::uint64_t seed) { search(seed, kProtocols); }

TEST(Protocols, NoScheduleAndNoFaultBreaksThem) { for_seeds(schedules(1000), search); }

TEST(Protocols, NorDoTheSeedsThatFoundSomething) {
  for_these_seeds(
      {
          427, 562,  // a spilled record of the last barrier, in a worker's hands at its PE's end
      },
      search);
}

// Nobody ends this one.
struct Endless {
  std::uint64_t words[8];
  void exec(Context& context) const {
    const World world = context.world();
    for (Pe i = 1; i <= 2; ++i) world.exec_am_pe(pe_behind(world, i), *this).detach();
  }
};
LAMELLAR_AM(Endless, words);

// What sends more than it gets, without end, is no silence and not all memory: it is an error.
TEST(Protocols, AStormWithoutEndIsReported) {
  for_seeds(schedules(10), [](std::uint64_t seed) {
    const lamellar::testing_support::CapturedLog log;
    const int status = lamellar::WorldBuilder()
                           .force_num_pes(3)
                           .force_threads(1 + static_cast<std::uint32_t>(seed % 2))
                           .force("POOL_FRAMES", "4")
                           .force("FRAME_BYTES", "1K")
                           .force("SPILL_SOFT", "8K")
                           .force("SPILL_HARD", "32K")
                           .launch([](World& world) {
                             world.exec_am_pe(next_pe(world), Endless{}).detach();
                             world.barrier();
                             return 0;
                           });
    EXPECT_NE(0, status);
    EXPECT_TRUE(log.contains("LAMELLAR_SPILL_HARD allows 32768")) << log.text();
    EXPECT_TRUE(log.contains(" of them are for PE ")) << log.text();
  });
}

// Waits for a barrier that not all PEs enter.
struct Never {
  std::uint32_t unused;
  Task<std::uint32_t> exec(Context& context) const {
    co_await context.world().async_barrier();
    co_return unused;
  }
};
LAMELLAR_AM(Never, unused);

struct Fails {
  std::uint32_t unused;
  void exec(Context&) const { throw std::out_of_range("planted"); }
};
LAMELLAR_AM(Fails, unused);

Counter g_ended_otherwise{0};

template <class Wait>
void expect_job_failed(Wait wait) {
  try {
    wait();
  } catch (const lamellar::JobFailed&) {
    throw;
  } catch (...) {
  }
  ++g_ended_otherwise;
}

// What the last PE sends to the first fails there, while all wait: each in another way.
int one_fails(World& world) {
  const Pe last = world.num_pes() - 1;
  if (world.my_pe() == last) {
    // With the answer rides what tells that the other one has run.
    const auto answered = world.exec_am_pe<Increment>(0, 0u).spawn();
    world.exec_am_pe<Fails>(0, 0u).detach();
    expect_job_failed([&] { world.wait_all(); });
  } else if (world.my_pe() == 0) {
    expect_job_failed([&] {
      auto waits = [](World copy) -> Task<std::uint32_t> {
        co_return co_await copy.exec_am_pe<Never>(next_pe(copy), 0u);
      };
      world.block_on(waits(world));
    });
  } else if (world.my_pe() == 1) {
    expect_job_failed([&] { world.exec_am_pe<Never>(0, 0u).block(); });
  } else {
    world.exec_am_pe<Never>(1, 0u).detach();
    expect_job_failed([&] { world.wait_all(); });
  }
  return 0;
}
constexpr Protocol kOneFails[] = {{"one_fails", one_fails}};

TEST(Protocols, AMessageThatFailsEndsAllWaits) {
  for_seeds(schedules(300), [](std::uint64_t seed) {
    const Shape shape = shape_of(seed, kOneFails);
    const lamellar::testing_support::CapturedLog log;
    EXPECT_EQ(1, launch(shape, seed)) << shape;
    EXPECT_TRUE(log.contains("std::out_of_range: planted; the job ends")) << log.text();
    EXPECT_EQ(0u, g_ended_otherwise.exchange(0)) << shape;
  });
}

struct Deaths {
  std::uint64_t searched = 0, died = 0;

  void search(std::uint64_t seed) {
    Shape shape = shape_of(seed, kProtocols);
    lamellar::base::Rng rng(~seed);
    const auto dies = static_cast<Pe>(rng.next() % shape.pes);
    shape.faults += std::string(shape.faults.empty() ? "" : ",") + "kill=" + std::to_string(dies) +
                    "@" + std::to_string(1 + rng.next() % 40);
    const lamellar::testing_support::CapturedLog log;
    const int status = launch(shape, seed);
    const bool dead = log.contains("PE " + std::to_string(dies) + " dies after");
    EXPECT_EQ(dead ? 1 : 0, status) << shape << "\n" << log.text();
    g_fanned_out = g_stormed = 0;
    ++searched;
    died += dead ? 1 : 0;
  }
};

// Whatever they wait for, all others end with the job.
TEST(Protocols, APeThatDiesEndsThemAll) {
  Deaths deaths;
  for_seeds(schedules(200), [&](std::uint64_t seed) { deaths.search(seed); });
  EXPECT_GE(deaths.died, deaths.searched / 4);
}

TEST(Protocols, TheSeedsOfDeathsThatFoundSomething) {
  Deaths deaths;
  for_these_seeds(
      {
          62, 240,  // a PE died while it left: the status was 0
      },
      [&](std::uint64_t seed) { deaths.search(seed); });
}

}  // namespace
}  // namespace sim_protocols_test

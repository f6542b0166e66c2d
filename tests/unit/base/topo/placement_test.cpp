#include "base/topo/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace lamellar::base {
namespace {

Cpus up_to(std::uint32_t count) {
  Cpus cpus(count);
  std::iota(cpus.begin(), cpus.end(), 0u);
  return cpus;
}

// Nodes of so many cores each. smt: cpu i and cpu i + cores are one core, as Linux counts.
Machine machine(const std::vector<std::uint32_t>& nodes, bool smt = false) {
  const std::uint32_t cores = std::accumulate(nodes.begin(), nodes.end(), 0u);
  Machine all;
  for (std::uint32_t node = 0, cpu = 0; node < nodes.size(); ++node)
    for (std::uint32_t core = 0; core < nodes[node]; ++core, ++cpu) {
      all.push_back({node, node, {cpu}});
      if (smt) all.back().cpus.push_back(cpu + cores);
    }
  return all;
}

std::vector<PeAsk> asks(std::size_t pes, const Cpus& allowed, std::uint32_t threads = 0) {
  return std::vector<PeAsk>(pes, PeAsk{allowed, threads});
}

std::vector<Cpus> cpus_of(const Placement& placement) {
  std::vector<Cpus> cpus;
  for (const PeShare& pe : placement.pes) cpus.push_back(pe.cpus);
  return cpus;
}

std::vector<std::uint32_t> threads_of(const Placement& placement) {
  std::vector<std::uint32_t> threads;
  for (const PeShare& pe : placement.pes) threads.push_back(pe.threads);
  return threads;
}

using AllCpus = std::vector<Cpus>;
using Threads = std::vector<std::uint32_t>;

TEST(Placement, FourCores) {
  const Machine four = machine({4});
  Placement placement = place(four, asks(1, up_to(4)));
  EXPECT_EQ("", placement.why_not);
  EXPECT_EQ((AllCpus{{0, 1, 2, 3}}), cpus_of(placement));
  EXPECT_EQ((Threads{4}), threads_of(placement));

  placement = place(four, asks(2, up_to(4)));
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3}}), cpus_of(placement));
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));

  placement = place(four, asks(4, up_to(4)));
  EXPECT_EQ((AllCpus{{0}, {1}, {2}, {3}}), cpus_of(placement));
  EXPECT_EQ((Threads{1, 1, 1, 1}), threads_of(placement));
}

TEST(Placement, FirstHardwareThreadsOfCoresComeFirst) {
  const Machine smt = machine({8, 8}, true);
  Placement placement = place(smt, asks(1, up_to(32)));
  EXPECT_EQ((AllCpus{up_to(32)}), cpus_of(placement));

  placement = place(smt, asks(2, up_to(32)));
  EXPECT_EQ((Cpus{0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}), placement.pes[0].cpus);
  EXPECT_EQ((Cpus{8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31}),
            placement.pes[1].cpus);
  EXPECT_EQ((Threads{16, 16}), threads_of(placement));

  placement = place(smt, asks(4, up_to(32), 2));
  EXPECT_EQ((Cpus{4, 5, 6, 7, 20, 21, 22, 23}), placement.pes[1].cpus);
  EXPECT_EQ((Threads{2, 2, 2, 2}), threads_of(placement));

  // Cpus of one core side by side, as other systems count.
  const Machine pairs{{0, 0, {0, 1}}, {0, 0, {2, 3}}, {0, 0, {4, 5}}, {0, 0, {6, 7}}};
  EXPECT_EQ((AllCpus{{0, 2, 1, 3}, {4, 6, 5, 7}}), cpus_of(place(pairs, asks(2, up_to(8)))));
}

TEST(Placement, OddCountsKeepCoresWhole) {
  // The default is the same for all PEs: what the smallest share has room for.
  Placement placement = place(machine({5}), asks(2, up_to(5)));
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3, 4}}), cpus_of(placement));
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));

  placement = place(machine({3}, true), asks(2, up_to(6)));
  EXPECT_EQ((AllCpus{{0, 3}, {1, 2, 4, 5}}), cpus_of(placement));
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));

  placement = place(machine({7}), asks(3, up_to(7), 2));
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3}, {4, 5, 6}}), cpus_of(placement));
}

TEST(Placement, CoresAreDividedWhereWholeOnesDoNotSuffice) {
  // Three threads a PE: only with the core in the middle shared.
  Placement placement = place(machine({3}, true), asks(2, up_to(6), 3));
  EXPECT_EQ("", placement.why_not);
  EXPECT_EQ((AllCpus{{0, 1, 3}, {4, 2, 5}}), cpus_of(placement));
  // More PEs than cores.
  placement = place(machine({2}, true), asks(4, up_to(4)));
  EXPECT_EQ((AllCpus{{0}, {2}, {1}, {3}}), cpus_of(placement));
  EXPECT_EQ((Threads{1, 1, 1, 1}), threads_of(placement));
}

TEST(Placement, NodesAreKeptTogetherWherePossible) {
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3}, {4, 5, 6, 7}}),
            cpus_of(place(machine({4, 4}), asks(3, up_to(8)))));
  EXPECT_EQ((Threads{2, 2, 2}), threads_of(place(machine({4, 4}), asks(3, up_to(8)))));
  // Two PEs on three nodes: one of them in the middle of a node, or with two nodes.
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3, 4, 5}}),
            cpus_of(place(machine({2, 2, 2}), asks(2, up_to(6), 2))));
  EXPECT_EQ((AllCpus{{0, 1, 2}, {3, 4, 5}}),
            cpus_of(place(machine({2, 2, 2}), asks(2, up_to(6), 3))));
  // Nodes of different sizes: with one thread each there is room, with five there is not.
  EXPECT_EQ((AllCpus{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9}}),
            cpus_of(place(machine({6, 4}), asks(2, up_to(10), 1))));
  EXPECT_EQ((AllCpus{{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}}),
            cpus_of(place(machine({6, 4}), asks(2, up_to(10), 5))));
}

TEST(Placement, PesMayAskForDifferentNumbersOfThreads) {
  std::vector<PeAsk> pes{{up_to(8), 6}, {up_to(8), 1}, {up_to(8), 1}};
  EXPECT_EQ((AllCpus{{0, 1, 2, 3, 4, 5}, {6}, {7}}), cpus_of(place(machine({8}), pes)));
  pes = {{up_to(8), 1}, {up_to(8), 0}};
  const Placement placement = place(machine({8}), pes);
  EXPECT_EQ("", placement.why_not);
  EXPECT_EQ(1u, placement.pes[0].threads);
  EXPECT_GE(placement.pes[1].threads, 4u);
}

TEST(Placement, MasksOfALauncherAreKept) {
  // One core each, in any order.
  std::vector<PeAsk> pes{{{2, 6}, 0}, {{1, 5}, 0}};
  Placement placement = place(machine({4}, true), pes);
  EXPECT_EQ("", placement.why_not);
  EXPECT_EQ((AllCpus{{2, 6}, {1, 5}}), cpus_of(placement));
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));
  // A package for every two PEs: they divide it.
  pes = {{{0, 1, 2, 3}, 0}, {{0, 1, 2, 3}, 0}, {{4, 5, 6, 7}, 0}, {{4, 5, 6, 7}, 0}};
  EXPECT_EQ((AllCpus{{0, 1}, {2, 3}, {4, 5}, {6, 7}}), cpus_of(place(machine({4, 4}), pes)));
  // Two threads on one cpu.
  pes = {{{0}, 2}, {{1}, 2}};
  placement = place(machine({2}), pes);
  EXPECT_EQ("1 PE with 2 threads in all may use 1 cpu (0)", placement.why_not);
  EXPECT_EQ((AllCpus{{}, {}}), cpus_of(placement));
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));
  // Half of each other's.
  pes = {{{0, 1, 2}, 0}, {{1, 2, 3}, 0}};
  placement = place(machine({4}), pes);
  EXPECT_EQ("PEs of this host may use different cpus that overlap (0-2 and 1-3)",
            placement.why_not);
  EXPECT_EQ((Threads{3, 3}), threads_of(placement));
}

TEST(Placement, OnlyAllowedCpusAreGiven) {
  const Cpus allowed{1, 2, 5, 9, 13};
  EXPECT_EQ((AllCpus{{1, 9}, {2, 5, 13}}),
            cpus_of(place(machine({8}, true), asks(2, allowed))));
}

TEST(Placement, WithMoreThreadsThanCpusNobodyIsPlaced) {
  Placement placement = place(machine({2}), asks(4, up_to(2)));
  EXPECT_EQ("4 PEs with 4 threads in all may use 2 cpus (0-1)", placement.why_not);
  EXPECT_EQ((AllCpus{{}, {}, {}, {}}), cpus_of(placement));
  EXPECT_EQ((Threads{1, 1, 1, 1}), threads_of(placement));
  placement = place(machine({2}), asks(2, up_to(2), 2));
  EXPECT_EQ("2 PEs with 4 threads in all may use 2 cpus (0-1)", placement.why_not);
  EXPECT_EQ((Threads{2, 2}), threads_of(placement));
  EXPECT_NE("", place({}, asks(4096, up_to(2))).why_not);
}

// Whatever the machine looks like: each PE has room, and no cpu has two owners.
TEST(Placement, SharesAreDisjointAndLargeEnough) {
  for (const auto& nodes : std::vector<std::vector<std::uint32_t>>{
           {1}, {2}, {3}, {8}, {4, 4}, {3, 5}, {1, 2, 3}, {2, 2, 2, 2}, {13}}) {
    for (const bool smt : {false, true}) {
      const Machine here = machine(nodes, smt);
      const auto cpus = static_cast<std::uint32_t>(here.size() * (smt ? 2 : 1));
      for (std::uint32_t pes = 1; pes <= cpus; ++pes) {
        for (std::uint32_t threads = 0; threads * pes <= cpus; ++threads) {
          const Placement placement = place(here, asks(pes, up_to(cpus), threads));
          ASSERT_EQ("", placement.why_not);
          std::set<std::uint32_t> taken;
          for (const PeShare& pe : placement.pes) {
            ASSERT_GE(pe.threads, 1u);
            ASSERT_EQ(threads != 0 ? threads : placement.pes[0].threads, pe.threads);
            ASSERT_GE(pe.cpus.size(), pe.threads);
            for (const std::uint32_t cpu : pe.cpus) {
              ASSERT_LT(cpu, cpus);
              ASSERT_TRUE(taken.insert(cpu).second) << cpu << " has two owners";
            }
          }
          ASSERT_EQ(cpus, taken.size()) << "some cpus have no owner";
        }
      }
    }
  }
}

}  // namespace
}  // namespace lamellar::base

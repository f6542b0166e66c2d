#pragma once
// The search over schedules and faults: a protocol is a PE function that tells what went wrong.
#include <cstdint>
#include <span>

#include <lamellar/world.hpp>

namespace sim_protocols_test {

struct Protocol {
  const char* name;
  int (*run)(lamellar::World&);  // 0, or how often something was wrong
  int (*after)(lamellar::Pe pes) = [](lamellar::Pe) { return 0; };  // when the job has ended
};
std::span<const Protocol> message_protocols();

// Runs one of `protocols` in a world, both drawn from the seed; expects that nothing is wrong.
// REQUIRES: a simulation of that seed.
void search(std::uint64_t seed, std::span<const Protocol> protocols);

inline lamellar::Pe pe_behind(const lamellar::World& world, std::uint64_t by) {
  return static_cast<lamellar::Pe>((world.my_pe() + by) % world.num_pes());
}
inline lamellar::Pe next_pe(const lamellar::World& world) { return pe_behind(world, 1); }

}  // namespace sim_protocols_test

#pragma once
// A network in memory, for the ofi lamella: reliable, and otherwise as unkind as it may be:
// it is busy at times, messages overtake each other, and what was sent is reported later.
#include <cstdint>
#include <memory>
#include <string>

#include "lamellae/ofi/endpoint.hpp"

namespace lamellar::testing_support {

struct NetworkPlan {
  std::uint64_t seed = 1;
  std::uint32_t busy_in_16 = 2;     // of 16 sends so many are refused with kBusy
  std::uint32_t first_refused = 3;  // sends to each peer before a "connection" is there
  std::uint32_t overtakes_in_16 = 4;  // of 16 messages so many arrive before the one in front
  bool connects = true;             // false: every send is refused
};

class MemoryNetwork {
 public:
  static std::shared_ptr<MemoryNetwork> create(const NetworkPlan& plan);
  virtual ~MemoryNetwork() = default;
  // An end at the address "end <number>", numbered from 0.
  virtual std::unique_ptr<lamellae::Endpoint> open(std::uint32_t largest) = 0;
  // A message out of nowhere for an end. THREADS: any.
  virtual void inject(std::uint32_t end, const std::string& bytes) = 0;
};

}  // namespace lamellar::testing_support

#pragma once
// What the conformance suite needs of a lamella: jobs of N endpoints in this process. Everything
// else it does through lamellae/api.
#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "lamellae/api/lamella.hpp"

namespace lamellar::conformance {

struct Shape {
  Pe pes = 2;
  std::uint32_t frame_bytes = 4096;
  std::uint32_t pool = 16;  // frames of each PE
};

// A job; its endpoints live as long as it does.
class Endpoints {
 public:
  virtual ~Endpoints() = default;
  virtual Pe size() const = 0;
  virtual lamellae::Lamella& at(Pe pe) = 0;
};

// What may be wrong with a frame that arrives.
enum class Damage { kMagic, kVersion, kNonce, kUnknownSource, kOtherSource, kLane, kLength };

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Endpoints>(const Shape&)> make;
  // Payload is read where its sender wrote it: bytes_copied stays 0.
  bool by_reference = false;
  // Has eager slots.
  bool eager = false;
  // Something lies between the ends: what is handed over is there later, credit comes back by
  // messages that its owner must poll for, and a doorbell may ring for those.
  bool network = false;
  // Sleeps, waits and queues through base only, so that schedules can be drawn from a seed.
  bool simulated = false;
  // What goes through in one go: larger frames are made so small.
  std::uint32_t largest_frame = ~std::uint32_t{0};
  // Breaks an open frame's header; empty where nobody above can.
  std::function<void(lamellae::Lamella& sender, const lamellae::OpenFrame&, Damage)> damage;
};

inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

// The suite. A lamella takes part by INSTANTIATE_TEST_SUITE_P(<Lamella>, Conformance, ...).
class Conformance : public testing::TestWithParam<Subject> {
 protected:
  std::unique_ptr<Endpoints> make(Shape shape) const {
    shape.frame_bytes = std::min(shape.frame_bytes, GetParam().largest_frame);
    return GetParam().make(shape);
  }
  // Wake-ups or sleeps: exactly so many, and over a network at least.
  void expect_events(std::uint64_t counted, std::uint64_t wanted) const {
    EXPECT_GE(counted, wanted);
    if (!GetParam().network) {
      EXPECT_EQ(counted, wanted);
    }
  }
};

}  // namespace lamellar::conformance

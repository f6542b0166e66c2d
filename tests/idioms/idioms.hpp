#pragma once
// What the idioms share: a value that counts, worlds to run in, coroutines that are destroyed by
// hand. The numbers go on where docs/decisions/0002 ends; the table is in 0011.

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <lamellar/sync.hpp>
#include <lamellar/world.hpp>

#include "support/hand.hpp"
#include "support/virtual_time.hpp"

namespace idioms {

using lamellar::Future;
using lamellar::Task;
using lamellar::World;
using lamellar::WorldBuilder;

inline const char* const kLong = "a text that is longer than the small buffer of std::string";

// A value on the heap that knows where it lives: it notices what is copied bit by bit, lost, or
// destroyed twice.
class Counted {
 public:
  explicit Counted(int value) : value_(value) { ++live_; }
  Counted(const Counted& other) : text_(other.text_), value_(other.value()) { ++live_; }
  Counted(Counted&& other) noexcept : text_(other.text_), value_(other.value()) { ++live_; }
  Counted& operator=(const Counted& other) {
    value_ = other.value();
    return *this;
  }
  ~Counted() {
    check();
    self_ = nullptr;
    --live_;
  }

  int value() const {
    check();
    return text_ == kLong ? value_ : -1;
  }
  static int live() { return live_; }
  static int strays() { return strays_; }

 private:
  void check() const {
    if (self_ != this) ++strays_;
  }
  static inline std::atomic<int> live_{0};
  static inline std::atomic<int> strays_{0};
  std::string text_ = kLong;
  const Counted* self_ = this;
  int value_;
};

struct Failure : std::runtime_error {
  explicit Failure(const std::string& text = kLong) : std::runtime_error(text) {}
};

// At the end of each test there is no value left.
class Balanced : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(Counted::live(), 0);
    EXPECT_EQ(Counted::strays(), 0);
  }
};

// A world of one PE.
template <std::uint32_t kThreads>
class WithThreads : public Balanced {
 protected:
  World world = WorldBuilder().force_num_pes(1).force_threads(kThreads).init();
  void TearDown() override {
    world = World(nullptr);
    Balanced::TearDown();
  }
};
// Here nothing runs but while the test waits: so it can look at what is suspended, and destroy it.
using OneThread = WithThreads<1>;
using ThreeThreads = WithThreads<3>;

class VirtualTime : public Balanced {
 protected:
  static void run(const std::function<void(World&)>& body) {
    lamellar::testing_support::in_virtual_time(2, body);
  }
};

// Two PEs; the body runs on PE 0.
class TwoPes : public Balanced {
 protected:
  static void run(const std::function<void(World&)>& body) {
    EXPECT_EQ(0, WorldBuilder().force_num_pes(2).force_threads(2).launch([&](World& world) {
      if (world.my_pe() == 0) body(world);
      return 0;
    }));
  }
};

using lamellar::testing_support::Hand;

// Runs it inside a task until it waits.
inline Hand& start(Hand& hand, World& world) {
  world.spawn([&hand] { hand.start(); }).block();
  return hand;
}

// Nobody has the lock, and only one can.
inline bool is_free(lamellar::Mutex& mutex) {
  const auto guard = mutex.try_lock();
  return guard.owns() && !mutex.try_lock().owns();
}

inline Task<Counted> counted(int value) { co_return Counted(value); }
inline Task<int> fails(std::string text) {
  const Counted local(0);
  if (local.value() == 0) throw Failure(text);
  co_return 1;
}

}  // namespace idioms

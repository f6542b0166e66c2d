#pragma once
// Tests that run on several PEs. Every PE runs the body; EXPECT_ and ASSERT_ of GoogleTest work in
// it and in the active messages it sends. A failure on any PE fails the test.
//
//   LAMELLAR_MULTI_TEST(Am, AddsOnTheNextPe, 2) {
//     const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
//     EXPECT_EQ(world.exec_am_pe<Add>(next, 1, 2).block(), 3);
//   }
//
// PEs may be processes of their own: they share active messages, PeLocal and return values only.
// A suite is one program, linked with lamellar_testing, which brings main(). One job runs all its
// tests in lock step: nobody begins a test before everybody has ended the one before. A PE that
// leaves a body early (ASSERT_, an exception) does not make the others' barriers complete.

#include <gtest/gtest.h>

#include <lamellar/world.hpp>

namespace lamellar::testing {

struct MultiTest {
  const char* suite;
  const char* name;
  Pe min_pes;  // a job of fewer PEs skips it
  void (*body)(World& world);
};

// Adds a test to this program's suite. THREADS: static initialisation only.
bool add_multi_test(const MultiTest& test);

// Runs the suite of this program and returns the exit status: 0 when every test that ran passed
// and at least one ran. Options: --help lists them. Ends with `N passed, N failed, N skipped`.
// BLOCKS: until the job has ended.
int run_multi_tests(int argc, char** argv);

}  // namespace lamellar::testing

// The body follows; it sees `lamellar::World& world`. Needs at least `min_pes` PEs.
#define LAMELLAR_MULTI_TEST(Suite, Name, min_pes)                                              \
  static void lamellar_multi_##Suite##_##Name([[maybe_unused]] ::lamellar::World& world);      \
  [[maybe_unused]] static const bool lamellar_multi_added_##Suite##_##Name =                   \
      ::lamellar::testing::add_multi_test(                                                     \
          {#Suite, #Name, min_pes, &lamellar_multi_##Suite##_##Name});                         \
  static void lamellar_multi_##Suite##_##Name([[maybe_unused]] ::lamellar::World& world)

// Many records between many threads and PEs: each arrives once and whole.
#include "conformance/traffic.hpp"

namespace lamellar::conformance {
namespace {

TEST_P(Conformance, OneToOne) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 4096, .pool = 16},
              {.route = [](Pe from, Pe to) { return from == 0 && to == 1; }, .records = 20000});
}

TEST_P(Conformance, ToItself) {
  run_traffic(GetParam(), {.pes = 1, .frame_bytes = 1024, .pool = 8},
              {.route = [](Pe, Pe) { return true; }, .records = 10000, .senders = 2});
}

TEST_P(Conformance, ManyToOne) {
  run_traffic(GetParam(), {.pes = 4, .frame_bytes = 2048, .pool = 8},
              {.route = [](Pe from, Pe to) { return from != 0 && to == 0; }, .records = 8000});
}

TEST_P(Conformance, OneToMany) {
  run_traffic(GetParam(), {.pes = 4, .frame_bytes = 2048, .pool = 8},
              {.route = [](Pe from, Pe to) { return from == 0 && to != 0; }, .records = 8000});
}

TEST_P(Conformance, FloodBothWaysUnderFourFrames) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 1024, .pool = 4}, {.records = 10000});
}

TEST_P(Conformance, FloodBothWaysOfPesWithOneThread) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 1024, .pool = 4},
              {.records = 10000, .receivers = 0});
}

TEST_P(Conformance, AllToAllOfFour) {
  run_traffic(GetParam(), {.pes = 4, .frame_bytes = 1024, .pool = 16},
              {.route = [](Pe, Pe) { return true; }, .records = 2000});
}

TEST_P(Conformance, AllToAllOfFourUnderFourFrames) {
  run_traffic(GetParam(), {.pes = 4, .frame_bytes = 1024, .pool = 4},
              {.route = [](Pe, Pe) { return true; }, .records = 1000, .receivers = 0});
}

TEST_P(Conformance, SeveralSenderThreads) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 2048, .pool = 16},
              {.records = 4000, .senders = 4});
}

TEST_P(Conformance, SeveralReceiverThreads) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 1024, .pool = 8},
              {.records = 8000, .receivers = 3});
}

TEST_P(Conformance, SeveralOfEverythingAndAPublisher) {
  run_traffic(GetParam(), {.pes = 3, .frame_bytes = 1024, .pool = 12},
              {.records = 1500, .senders = 2, .receivers = 2, .publisher = true});
}

TEST_P(Conformance, APublisherWhileTheOwnerAppends) {
  run_traffic(GetParam(), {.pes = 2, .frame_bytes = 65536, .pool = 4},
              {.route = [](Pe from, Pe to) { return from == 0 && to == 1; },
               .records = 30000,
               .largest = 64,
               .receivers = 2,
               .publisher = true});
}

TEST_P(Conformance, RecordsAsLargeAsFrames) {
  const Shape shape{.pes = 2, .frame_bytes = 8192, .pool = 4};
  const std::uint32_t capacity = make(shape)->at(0).frame_capacity();
  run_traffic(GetParam(), shape, {.records = 1000, .largest = capacity, .publisher = true});
}

}  // namespace
}  // namespace lamellar::conformance

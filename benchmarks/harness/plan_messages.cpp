// The table "Messages on one host" of the bars, as far as it can be measured.
#include "harness/plan.hpp"

#include <utility>

namespace bench {
namespace {

constexpr Better kLow = Better::kLower;
constexpr Better kHigh = Better::kHigher;

Bar at(double absolute) { return {absolute, kNone, 0}; }
Bar times(double of_limit, double plus = 0) { return {kNone, of_limit, plus}; }
Bar both(double absolute, double of_limit) { return {absolute, of_limit, 0}; }

Start messages(std::string name, unsigned pes = 2, std::vector<std::string> numbers = {}) {
  return {Program::kMessages, std::move(name), pes, std::move(numbers), 0};
}
Start limits(std::string name, std::vector<std::string> numbers = {}) {
  return {Program::kLimits, std::move(name), 2, std::move(numbers), 0};
}

Group round_trips() {
  Group group{"messages", "round_trip", {}, {}, false};
  group.starts = {limits("line"), messages("round_trip"),
                  {Program::kOpenMpi, "ping_pong", 2, {}, 0},
                  {Program::kMpich, "ping_pong", 2, {}, 0}};
  Row row{"AM round trip, 8 B, plain exec, request slot + reply", "us", kLow,
          {"round_trip_ns", 1e-3}, {"line_ns", 1e-3},
          {{"openmpi.mpi_us"}, {"mpich.mpi_us"}}, times(2.5), times(4), {}};
  const auto peer = [](std::string name, Value value) {
    return Row{std::move(name), "us", kLow, {}, {}, {std::move(value)}, {}, {}, {}};
  };
  group.rows = {row, peer("MPI ping-pong 8 B, Open MPI", {"openmpi.mpi_us"}),
                peer("MPI ping-pong 8 B, MPICH", {"mpich.mpi_us"})};
  return group;
}

Group one_direction(const FrameShape& frames) {
  Group group{"messages", "one_way", {}, {}, false};
  group.starts = {limits("frames", {frames.bytes, frames.count}), messages("one_way"),
                  limits("frames_best")};
  Row row{"AM rate, 8 B, aggregated, `detach`, one direction", "M/s", kHigh, {"one_way_mps"},
          {"frames_best_mps"}, {}, both(300, 0.5), times(0.35), {"frames_mps"}};
  const auto limit = [](std::string name, std::string unit, Value value) {
    return Row{std::move(name), std::move(unit), kHigh, {}, std::move(value), {}, {}, {}, {}};
  };
  group.rows = {row,
                limit("raw frame loop, one direction, frames as ours (" + frames.count + " x " +
                          frames.bytes + " B)",
                      "M/s", {"frames_mps"}),
                limit("raw frame loop, one direction, best setting", "M/s", {"frames_best_mps"}),
                limit("raw frame loop, best setting: in flight", "KiB",
                      {"frames_best_kib"})};
  return group;
}

Group unaggregated() {
  Group group{"messages", "unaggregated", {limits("spsc"), messages("unaggregated")}, {}, false};
  group.rows = {{"AM rate, unaggregated (each pushed out at once)", "M/s", kHigh,
                 {"unaggregated_mps"}, {"spsc_mps"}, {}, at(20), {}, {}}};
  return group;
}

Group both_directions(const FrameShape& frames) {
  Group group{"messages", "both_ways", {}, {}, false};
  group.starts = {limits("frames_both", {frames.bytes, frames.count}), messages("both_ways")};
  group.rows = {{"AM rate, 8 B, aggregated, `detach`, both directions at once, per PE", "M/s",
                 kHigh, {"both_ways_mps"}, {"frames_both_mps"}, {}, times(0.6), {}, {}}};
  return group;
}

Group results() {
  Group group{"messages", "with_result", {messages("with_result")}, {}, false};
  group.rows = {{"AM with result, aggregated (spawn, thousands in flight)", "M/s", kHigh,
                 {"with_result_mps"}, {}, {}, at(30), {}, {}}};
  return group;
}

Group texts() {
  Group group{"messages", "text_and_data", {messages("text_and_data")}, {}, false};
  group.rows = {{"AM of a string + vector (cereal path), 64 B", "M/s", kHigh,
                 {"text_and_data_mps"}, {}, {}, at(15), {}, {}}};
  return group;
}

Group histogram(std::string id, std::string entries, std::string shown, double bar) {
  Group group{"messages", std::move(id), {}, {}, false};
  group.starts = {limits("frames_histogram", {entries}), messages("histogram", 2, {entries}),
                  {Program::kOpenMpi, "histogram", 2, {entries}, 0},
                  {Program::kMpich, "histogram", 2, {entries}, 0},
                  {Program::kShmem, "histogram", 2, {entries}, 0}};
  const std::string unit = "M/s (" + std::move(shown) + ")";
  const std::vector<std::pair<std::string, Value>> peers = {
      {"messages, Open MPI", {"openmpi.histogram_messages_mps"}},
      {"messages, MPICH", {"mpich.histogram_messages_mps"}},
      {"MPI_Accumulate, Open MPI", {"openmpi.histogram_accumulate_mps"}},
      {"MPI_Accumulate, MPICH", {"mpich.histogram_accumulate_mps"}},
      {"MPI_Fetch_and_op, Open MPI", {"openmpi.histogram_fetch_and_op_mps"}},
      {"MPI_Fetch_and_op, MPICH", {"mpich.histogram_fetch_and_op_mps"}},
      {"shmem_atomic_add, OpenSHMEM of Open MPI", {"shmem.histogram_atomic_mps"}}};
  Row row{"histogram by AM (bale's rules: half the updates are own, counted), 1e4 / 1e6 / 32 MiB "
          "entries per PE, total",
          unit, kHigh, {"histogram_mps"}, {"frames_histogram_mps"}, {}, at(bar), {}, {}};
  for (const auto& [name, value] : peers) row.peers.push_back(value);
  Row beside = row;  // without the limit: its ratio is that to the best peer
  beside.name = "histogram by AM beside the best peer";
  beside.limit = {};
  beside.bar = {};
  group.rows = {row, beside};
  for (const auto& [name, value] : peers)
    group.rows.push_back({"histogram by " + name, unit, kHigh, {}, {}, {value}, {}, {}, {}});
  return group;
}

Group coroutines() {
  const std::string name = "coroutine AM that never suspends";
  Group group{"messages", "coroutine", {messages("coroutine")}, {}, false};
  group.rows = {{name, "us (round trip; limit: plain)", kLow, {"coroutine_round_trip_ns", 1e-3},
                 {"plain_round_trip_ns", 1e-3}, {}, times(1.15), {}, {}},
                {name, "ns (aggregated; limit: plain)", kLow, {"coroutine_ns"}, {"plain_ns"}, {},
                 times(1, 15), {}, {}},
                {name, "heap allocations per AM", kLow, {"coroutine_allocations"}, {}, {},
                 at(0.001), {}, {}}};
  return group;
}

Group barriers() {
  Group group{"messages", "barrier", {limits("line"), messages("barrier")}, {}, false};
  group.rows = {{"barrier, 2 PEs", "us", kLow, {"barrier_ns", 1e-3}, {"line_ns", 1e-3}, {},
                 times(2), {}, {}}};
  return group;
}

Group crowds() {
  const std::string name = "4 PEs on 2 cores: AM round trip / barrier";
  Group group{"messages", "four_pes", {}, {}, false};
  group.starts = {messages("pairs", 4), messages("barrier", 4), messages("ring", 2),
                  messages("ring", 4)};
  group.rows = {{name, "us (round trip)", kLow, {"pairs_round_trip_ns", 1e-3}, {}, {}, at(7),
                 at(10), {}},
                {name, "us (barrier)", kLow, {"barrier_ns", 1e-3}, {}, {}, at(7), {}, {}},
                {name, "M/s (all, each to the next; limit: 2 PEs)", kHigh, {"4.ring_mps"},
                 {"2.ring_mps"}, {}, times(0.85), {}, {}}};
  return group;
}

}  // namespace

std::vector<Group> plan_messages(const FrameShape& frames) {
  return {round_trips(),
          unaggregated(),
          one_direction(frames),
          both_directions(frames),
          results(),
          texts(),
          histogram("histogram_1e4", "10000", "1e4", 260),
          histogram("histogram_1e6", "1000000", "1e6", 180),
          histogram("histogram_32m", "4194304", "32 MiB", 120),
          coroutines(),
          barriers(),
          crowds()};
}

}  // namespace bench

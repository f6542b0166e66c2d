// What a PE costs at rest, to start and in memory; the limits by themselves; the peers.
#include "harness/plan.hpp"

namespace bench {
namespace {

Row info(std::string name, std::string unit, Better better, Value ours) {
  return {std::move(name), std::move(unit), better, std::move(ours), {}, {}, {}, {}, {}};
}
Row limit(std::string name, std::string unit, Better better, Value value) {
  return {std::move(name), std::move(unit), better, {}, std::move(value), {}, {}, {}, {}};
}
Row peer(std::string name, std::string unit, Better better, Value value) {
  return {std::move(name), std::move(unit), better, {}, {}, {std::move(value)}, {}, {}, {}};
}

Group idle() {
  const std::string name = "idle PE waiting for a message";
  Group group{"messages", "idle", {}, {}, true};
  group.starts = {{Program::kLimits, "wake", 2, {}, 0}, {Program::kMessages, "idle", 4, {}, 1}};
  Row cpu = info(name, "% of a core (4 PEs together)", Better::kLower, {"idle_percent"});
  cpu.bar = cpu.interim = {2, kNone, 0};
  Row wake = info(name, "us (wake-up)", Better::kLower, {"wake_us"});
  wake.bar = {60, kNone, 0};
  wake.limit = {"futex_wake_us"};
  group.rows = {cpu, wake};
  return group;
}

Group start_up(unsigned pes) {
  const std::string count = std::to_string(pes) + (pes == 1 ? " PE" : " PEs");
  Group group{"messages", "start_up_" + std::to_string(pes), {}, {}, true};
  group.starts = {{Program::kMessages, "start_up", pes, {pes > 8 ? "10000" : "1000000"}, 0}};
  group.rows = {
      info("start-up, " + count, "ms", Better::kLower, {"start_ms"}),
      info("memory of a PE, " + count, "MiB (resident)", Better::kLower, {"resident_mib"}),
      info("memory of a PE, " + count, "MiB (shared pages in parts)", Better::kLower,
           {"own_mib"}),
      info("memory of a PE after a rate test, " + count, "MiB (resident)", Better::kLower,
           {"resident_after_rate_mib"}),
      info("memory of a PE after a rate test, " + count, "MiB (shared pages in parts)",
           Better::kLower, {"own_after_rate_mib"})};
  return group;
}

Group one_limit(std::string id, std::vector<Row> rows, std::vector<std::string> numbers = {}) {
  Group group{"limits", id, {{Program::kLimits, id, 2, std::move(numbers), 0}}, {}, false};
  group.rows = std::move(rows);
  return group;
}

}  // namespace

std::vector<Group> plan_costs() {
  std::vector<Group> groups = {idle()};
  for (unsigned pes = 1; pes <= 64; pes *= 2) groups.push_back(start_up(pes));
  return groups;
}

// The same provider, interface and way of waiting on both sides.
std::vector<Group> plan_fabric() {
  const auto bare = [](std::string name) {
    return Start{Program::kFabric, std::move(name), 2, {}, 0};
  };
  const auto ours = [](std::string name) {
    return Start{Program::kMessages, std::move(name), 2, {}, 0, "ofi"};
  };
  Group trip{"fabric", "fabric_round_trip", {bare("ping_pong"), ours("round_trip")}, {}, true};
  Row round_trip{"AM round trip, 8 B, over libfabric (limit: bare ping-pong)", "us", Better::kLower,
                 {"round_trip_ns", 1e-3}, {"fabric_us"}, {}, {kNone, 1.5, 0}, {kNone, 1.5, 0}, {}};
  trip.rows = {round_trip};

  Group rate{"fabric", "fabric_one_way", {bare("bandwidth"), bare("rate"), ours("one_way")}, {},
             true};
  Row one_way = info("AM rate, 8 B, aggregated, over libfabric", "M/s", Better::kHigher,
                     {"one_way_mps"});
  one_way.bar = one_way.interim = {10, kNone, 0};
  rate.rows = {one_way, limit("bare messages of 16 KiB", "MB/s", Better::kHigher, {"fabric_mbs"}),
               limit("bare messages of 8 B", "M/s", Better::kHigher, {"fabric_mps"})};

  Group rest{"fabric", "fabric_idle", {bare("ping_pong_sleeping"), ours("idle")}, {}, true};
  rest.starts[1].pes = 8;
  rest.starts[1].least_seconds = 1;
  Row cpu = info("idle PEs over libfabric", "% of a core (8 PEs together)", Better::kLower,
                 {"idle_percent"});
  cpu.bar = cpu.interim = {2, kNone, 0};
  rest.rows = {cpu, info("idle PE over libfabric", "us (wake-up)", Better::kLower, {"wake_us"}),
               limit("bare ping-pong, sleeping on the descriptor", "us", Better::kLower,
                     {"fabric_sleeping_us"})};
  return {trip, rate, rest};
}

std::vector<Group> plan_limits(const FrameShape& frames) {
  const Better low = Better::kLower;
  const Better high = Better::kHigher;
  return {
      one_limit("line", {limit("cache-line round trip", "ns", low, {"line_ns"})}),
      one_limit("spsc",
                {limit("8 B messages published one by one", "M/s", high, {"spsc_mps"})}),
      one_limit("frames", {limit("raw frame loop, one direction", "M/s", high, {"frames_mps"})},
                {frames.bytes, frames.count}),
      one_limit("frames_best",
                {limit("raw frame loop, best setting", "M/s", high, {"frames_best_mps"}),
                 limit("raw frame loop, best setting: in flight", "KiB", high,
                       {"frames_best_kib"})}),
      one_limit("frames_both",
                {limit("raw frame loop, both directions, per process", "M/s", high,
                       {"frames_both_mps"})},
                {frames.bytes, frames.count}),
      one_limit("memcpy", {limit("memcpy 64 KiB, hot", "GB/s", high, {"memcpy_64k_gbs"}),
                           limit("memcpy 1 MiB, hot", "GB/s", high, {"memcpy_1m_gbs"}),
                           limit("memcpy 4 MiB, hot", "GB/s", high, {"memcpy_4m_gbs"})}),
      one_limit("random",
                {limit("random stores, 256 MiB", "M/s", high, {"stores_mps"}),
                 limit("random loads, 256 MiB", "M/s", high, {"loads_mps"}),
                 limit("random atomic adds, 256 MiB", "M/s", high, {"atomics_mps"}),
                 limit("random atomic adds, 256 MiB, both cores", "M/s", high,
                       {"atomics_both_mps"})}),
      one_limit("tcp", {limit("TCP round trip over loopback, spinning", "us", low, {"tcp_us"})}),
  };
}

std::vector<Group> plan_peers() {
  Group group{"peers", "ping_pong", {}, {}, false};
  group.starts = {{Program::kOpenMpi, "ping_pong", 2, {}, 0},
                  {Program::kMpich, "ping_pong", 2, {}, 0}};
  group.rows = {peer("MPI ping-pong 8 B, Open MPI", "us", Better::kLower, {"openmpi.mpi_us"}),
                peer("MPI ping-pong 8 B, MPICH", "us", Better::kLower, {"mpich.mpi_us"})};
  return {group};
}

}  // namespace bench

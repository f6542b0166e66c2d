// The table "Scheduler, graph, pipeline" of the bars, as far as tasks go. Ours and oneTBB run the
// same cases.
#include "harness/plan.hpp"

namespace bench {
namespace {

Group group_of(std::string id, std::string name, std::vector<std::string> numbers,
               double usual_seconds = 0) {
  Group group{"tasks", std::move(id), {}, {}, false};
  group.starts = {{Program::kTasks, name, 1, numbers, 0}, {Program::kTbb, name, 1, numbers, 0}};
  for (Start& start : group.starts) start.usual_seconds = usual_seconds;
  return group;
}

// Lower is better everywhere. Without a bar: kNone.
Row row(std::string name, std::string unit, const std::string& key, double times, double bar) {
  return {std::move(name), std::move(unit), Better::kLower, {"ours." + key, times}, {},
          {{"tbb." + key, times}}, {bar, kNone, 0}, {}, {}};
}
Row info(const std::string& name, std::string unit, const std::string& key, double times) {
  return row(name, std::move(unit), key, times, kNone);
}

Group spawn_alone() {
  Group group = group_of("spawn", "spawn", {"0"});
  group.any_regime = group.quiet = true;
  group.rows = {row("spawn 1e6 empty tasks inside a worker, 1 thread", "ns", "spawn_ns", 1, 25)};
  return group;
}

Group spawn_and_thief() {
  const std::string name = "spawn 1e6 empty tasks, 1 producer + 1 thief";
  Group group = group_of("thief", "spawn", {"1"});
  group.rows = {row(name, "ns", "spawn_ns", 1, 80),
                info(name, "% that the thief ran", "stolen_percent", 1)};
  return group;
}

// A pool may make a submitter that is too fast run tasks itself. That is another thing than giving
// them to workers, so the bar must hold also where the submitter never is too fast.
Group external_submit(std::string id, const std::string& how, std::string most) {
  const std::string name = "external submit to 2 workers";
  Group group = group_of(std::move(id), "submit", {"2", std::move(most)});
  group.rows = {row(name, "ns (" + how + ")", "submit_ns", 1, 150),
                info(name, "% that the submitter ran itself (" + how + ")", "kept_percent", 1)};
  return group;
}

std::vector<Row> wake_rows(const std::string& name, double bar_us) {
  return {row(name, "us (p50)", "wake_ns", 1e-3, bar_us),
          info(name, "us (p99)", "wake_p99_ns", 1e-3),
          info(name, "us (submit call, p50)", "call_ns", 1e-3)};
}

Group parked() {
  Group group = group_of("wake", "wake", {"1", "3000"}, 1.5);
  group.any_regime = group.quiet = true;
  group.rows = wake_rows("parked wake-up", 40);
  return group;
}

Group short_gap() {
  Group group = group_of("gap", "wake", {"1", "10"});
  group.rows = wake_rows("wake-up after a gap of 10 us", 1.5);
  return group;
}

Group at_rest() {
  Group group = group_of("rest", "rest", {"2"}, 5);
  group.any_regime = true;
  for (Start& start : group.starts) start.least_seconds = 1;
  group.rows = {row("idle pool over 5 s", "s of CPU time", "rest_seconds", 1, 0.001)};
  return group;
}

Group crowd() {
  const std::string name = "8 workers on 2 cpus";
  Group group = group_of("crowd", "wake", {"8", "3000"}, 1.5);
  group.any_regime = group.quiet = true;
  group.rows = {row(name, "us (parked wake-up, p50)", "wake_ns", 1e-3, 60),
                row(name, "us (submit call, p50)", "call_ns", 1e-3, 15),
                info(name, "us (parked wake-up, p99)", "wake_p99_ns", 1e-3)};
  return group;
}

// Ours alone: oneTBB has none.
Group coroutines() {
  Group group{"tasks", "coroutines", {{Program::kTasks, "coroutines", 1, {}, 0}}, {}, true};
  group.quiet = true;
  group.rows = {info("co_await of a Task that never suspends", "ns", "await_ns", 1),
                info("spawn of a Task, awaited before the next", "ns", "spawn_await_ns", 1)};
  return group;
}

}  // namespace

std::vector<Group> plan_tasks() {
  return {spawn_alone(),
          spawn_and_thief(),
          external_submit("submit", "1e6 at once", "0"),
          external_submit("submit_512", "at most 512 waiting", "512"),
          parked(),
          short_gap(),
          at_rest(),
          crowd(),
          coroutines()};
}

}  // namespace bench

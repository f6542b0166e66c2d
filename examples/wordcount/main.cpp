// The word count: every PE reads its share of the text and sends each word to the PE that owns it.
#include <lamellar/world.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "host.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "sender.hpp"

namespace wordcount {
namespace {

int count_words(lamellar::World& world, const Options& options) {
  using Clock = std::chrono::steady_clock;
  const TableOfPe table(world);
  const DeskOfPe desk(world);
  const bool is_host = world.my_pe() == 0;
  Host host(world, options);
  if (is_host) desk.local().plans = host.prepare();
  world.barrier();
  const Plan plan = world.exec_am_pe<GetPlan>(0, desk, world.my_pe()).block();
  world.barrier();
  int status = is_host && !plan.go ? 1 : 0;
  if (plan.go) {
    const Clock::time_point start = Clock::now();
    PeReport report = Sender(world, table, options.combine).send_all(plan.share);
    world.barrier();
    const std::chrono::duration<double> seconds = Clock::now() - start;
    report.owned = table.local().sort();
    desk.local().report = std::move(report);
    world.barrier();
    if (is_host) status = host.finish(table, desk, seconds.count());
  }
  world.barrier();  // PE 0 may still be reading the others' tables
  return status;
}

}  // namespace
}  // namespace wordcount

int main(int argc, char** argv) {
  wordcount::Options options;
  std::string usage_error;
  try {
    options = wordcount::parse_options({argv + 1, argv + argc});
  } catch (const wordcount::UsageError& error) {
    usage_error = error.what();
  }
  // What is wrong or asked for is told once, not by each of N processes.
  return lamellar::launch(argc, argv, [&](lamellar::World& world) {
    if (usage_error.empty() && !options.help) return wordcount::count_words(world, options);
    if (world.my_pe() != 0) return 0;
    if (options.help) return std::fputs(wordcount::kHelp, stdout) < 0 ? 1 : 0;
    std::fprintf(stderr, "wordcount: %s\n", usage_error.c_str());
    return 2;
  });
}

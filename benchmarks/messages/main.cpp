// What active messages do, case by case:
//   bench_messages CASE SECONDS [NUMBER]... [--lamellar-...]
#include <cstdio>
#include <new>

#include "messages/cases.hpp"

namespace bench {
namespace {

constexpr Pe kMostPes = 4096;
Here g_here[kMostPes];
thread_local std::uint64_t t_allocations = 0;
std::atomic<std::uint64_t> g_said{0};

struct Said {
  std::uint64_t exec(Context&) const { return g_said.load(); }
};
LAMELLAR_AM(Said);

struct Case {
  const char* name;
  void (*run)(World& world, const Arguments& arguments);
};

constexpr Case kCases[] = {
    {"round_trip", round_trip},     {"one_way", one_way},       {"unaggregated", unaggregated},
    {"with_result", with_result},   {"text_and_data", text_and_data},
    {"coroutine", coroutine},       {"both_ways", both_ways},   {"histogram", histogram},
    {"barrier", barrier},           {"pairs", pairs},           {"ring", ring},
    {"idle", idle},                 {"start_up", start_up},
};

}  // namespace

Here& here_of(Pe pe) { return g_here[pe % kMostPes]; }

std::uint64_t allocations() noexcept { return t_allocations; }

std::uint64_t from_pe0(const World& world, std::uint64_t mine) {
  if (world.my_pe() == 0) g_said.store(mine);
  world.barrier();
  const std::uint64_t said = world.exec_am_pe(0, Said{}).block();
  world.barrier();
  return said;
}

}  // namespace bench

void* operator new(std::size_t size) {
  ++bench::t_allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) {
  const bench::Case* wanted = nullptr;
  for (const bench::Case& known : bench::kCases)
    if (argc > 1 && std::string(argv[1]) == known.name) wanted = &known;
  if (wanted == nullptr) {
    std::fprintf(stderr, "usage: bench_messages CASE SECONDS [NUMBER]...; cases:");
    for (const bench::Case& known : bench::kCases) std::fprintf(stderr, " %s", known.name);
    std::fputc('\n', stderr);
    return 2;
  }
  lamellar::WorldBuilder builder;
  builder.force_threads(1).force("BIND", "none");  // it pins itself, also where two hosts are one
  builder.set("PROGRESS", "poll");  // its messages count without synchronization
  return builder.launch(argc, argv, [&](lamellar::World& world) {
    bench::pin(world.my_pe());
    wanted->run(world, bench::Arguments::parse(argc, argv));
    world.barrier();
    return 0;
  });
}

// What this machine can do at all: the programs every bar is measured against.
//   bench_limits CASE SECONDS [NUMBER]...
#include <cstdio>
#include <string>

#include "limits/pair.hpp"

namespace {

struct Case {
  const char* name;
  void (*run)(const bench::Arguments& arguments);
};

constexpr Case kCases[] = {
    {"line", bench::limit_line},
    {"spsc", bench::limit_spsc},
    {"tcp", bench::limit_tcp},
    {"wake", bench::limit_wake},
    {"frames", bench::limit_frames},
    {"frames_best", bench::limit_frames_best},
    {"frames_both", bench::limit_frames_both},
    {"frames_histogram", bench::limit_frames_histogram},
    {"memcpy", bench::limit_memcpy},
    {"random", bench::limit_random},
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::Arguments::parse(argc, argv);
  for (const Case& known : kCases) {
    if (arguments.name != known.name) continue;
    known.run(arguments);
    return 0;
  }
  std::fprintf(stderr, "usage: bench_limits CASE SECONDS [NUMBER]...; cases:");
  for (const Case& known : kCases) std::fprintf(stderr, " %s", known.name);
  std::fputc('\n', stderr);
  return 2;
}

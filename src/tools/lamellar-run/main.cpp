// lamellar-run: starts the PEs of a program on this host or on several. See --help and options.cpp.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "tools/lamellar-run/agent.hpp"
#include "tools/lamellar-run/job.hpp"
#include "tools/lamellar-run/options.hpp"

namespace {

constexpr int kUnusable = 2;

// Nothing else may get the numbers of the standard streams.
void keep_standard_streams() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_streams();
  try {
    const auto options = lamellar::tools::parse_options(argc, argv);
    if (!options) return 0;
    if (options->agent) return lamellar::tools::Agent().run();
    return lamellar::tools::Job(*options).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lamellar-run: %s\n", error.what());
    return kUnusable;
  }
}

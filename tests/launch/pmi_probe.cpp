// Joins its launcher, brings everybody's bytes together and prints one line: what a launcher must
// be able to do for a world to start, without a world.
//   pmi_probe [bytes N]        two worlds, N bytes (3000) of each PE twice in both
//   pmi_probe absent PE        that PE never gives its part; the others' guard must end
//   pmi_probe gives_up PE      that PE abandons the job
//   pmi_probe leaves PE STATUS that PE calls _exit(STATUS) with the world open
//   pmi_probe stays            opens a world and waits until a signal ends it
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "base/clock/clock.hpp"
#include "lamellae/bootstrap/session.hpp"

namespace {

using lamellar::Pe;
using lamellar::lamellae::Bootstrap;
using lamellar::lamellae::LaunchSession;

std::string part_of(Pe pe, int round, std::size_t bytes) {
  std::string part;
  for (std::size_t i = 0; i < bytes + pe; ++i)
    part += static_cast<char>(i * 7 + pe * 31 + static_cast<unsigned>(round));
  return part;
}

void check(bool condition, const char* what) {
  if (condition) return;
  std::printf("FAILED: %s\n", what);
  std::fflush(stdout);
  std::_Exit(3);
}

void exchange(LaunchSession& session, const std::string& world, std::size_t bytes) {
  const std::unique_ptr<Bootstrap> bootstrap = session.open(world);
  check(bootstrap->rank() == session.rank() && bootstrap->size() == session.size(), "shape");
  for (int round = 0; round < 2; ++round) {
    const auto all = bootstrap->allgather(part_of(bootstrap->rank(), round, bytes));
    check(all.size() == bootstrap->size(), "number of parts");
    for (Pe pe = 0; pe < all.size(); ++pe) check(all[pe] == part_of(pe, round, bytes), "a part");
  }
  bootstrap->barrier();
}

std::string mates(const LaunchSession& session) {
  std::string text;
  for (const Pe pe : session.host_mates()) text += (text.empty() ? "" : ",") + std::to_string(pe);
  return text;
}

// One write: lines of several PEs do not mix.
void say(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(4);
}

int run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "bytes" : arguments[0];
  const auto argument = [&](std::size_t index, unsigned long otherwise) {
    return arguments.size() > index ? std::stoul(arguments[index]) : otherwise;
  };
  const char* const limit = std::getenv("PROBE_SECONDS");
  const double seconds = limit == nullptr ? 60 : std::stod(limit);
  const auto begin_ns = lamellar::base::now_ns();
  const auto session = lamellar::lamellae::join_launcher(
      nullptr, static_cast<std::uint64_t>(seconds * 1e9));
  const auto joined_ns = lamellar::base::now_ns();
  const bool chosen = mode != "bytes" && session->rank() == argument(1, 0);
  if (mode == "bytes") {
    exchange(*session, "one", argument(1, 3000));
    exchange(*session, "a second one, with blanks", argument(1, 3000));
    exchange(*session, "one", argument(1, 3000));
  } else {
    const auto bootstrap = session->open("w");
    if (mode == "stays" || (mode == "absent" && chosen)) {
      say("PE " + std::to_string(session->rank()) + " stays " + std::to_string(getpid()) + "\n");
      for (;;) {
        sigset_t none;
        sigemptyset(&none);
        sigsuspend(&none);
      }
    }
    if (mode == "gives_up" && chosen) {
      std::fprintf(stderr, "PE %u gives up\n", session->rank());
      bootstrap->abandon("it has had enough");
      std::_Exit(2);
    }
    if (mode == "leaves" && chosen) std::_Exit(static_cast<int>(argument(2, 0)));
    bootstrap->allgather("x");
  }
  const auto done_ns = lamellar::base::now_ns();
  char times[80];
  std::snprintf(times, sizeof times, "joined in %.1f ms, exchanged in %.1f ms",
                static_cast<double>(joined_ns - begin_ns) * 1e-6,
                static_cast<double>(done_ns - joined_ns) * 1e-6);
  say("PE " + std::to_string(session->rank()) + " of " + std::to_string(session->size()) + " by " +
      session->launcher() + " with [" + mates(*session) + "] on " +
      session->host_name(session->rank()) + (session->launcher_pidfd() >= 0 ? " watched" : "") +
      ", " + times + "\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pmi_probe: %s\n", error.what());
    return 2;
  }
}

// Jobs that hang by design, and jobs that look at the disposition of the signal that tells why.
#include <signal.h>

#include "program.hpp"

using programs::say;

namespace {

// Waits on its PE for a barrier that nobody else enters.
struct Stuck {
  int unused;
  lamellar::Task<int> exec(lamellar::Context& ctx) const {
    co_await ctx.world().async_barrier();  // here: suspended coroutine
    co_return unused;
  }
};
LAMELLAR_AM(Stuck, unused);

int hang_in_barrier(lamellar::World& world) {
  say("PE %u runs", world.my_pe());
  world.barrier();
  if (world.my_pe() == 0)
    world.barrier();  // here: second barrier
  else
    world.exec_am_pe<Stuck>(0, 1).block();  // here: reply that never comes
  return 0;
}

}  // namespace

// PE 0 enters a second barrier, PE 1 waits for a reply of PE 0 that waits for a third one.
PROCESS_PROGRAM(mismatched_barrier) { return lamellar::launch(argc, argv, &hang_in_barrier); }

// PE 1 never comes to the barrier: it waits for its own messages, which never end.
PROCESS_PROGRAM(wait_all_against_barrier) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    say("PE %u runs", world.my_pe());
    if (world.my_pe() == 0) {
      world.barrier();  // here: lonely barrier
    } else {
      world.exec_am_pe<Stuck>(0, 1).detach();
      world.wait_all();  // here: wait_all
    }
    return 0;
  });
}

// A task of PE 0 awaits a message that hangs on PE 1, which has nothing else to do.
PROCESS_PROGRAM(suspended_tasks) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() != 0) return 0;
    auto waits = [](lamellar::World world_copy) -> lamellar::Task<int> {
      auto handle = world_copy.exec_am_pe<Stuck>(1, 1);  // here: awaited message
      co_return co_await std::move(handle);
    };
    auto task = world.spawn(waits(world));
    return task.block();  // here: blocked on a task
  });
}

namespace {

volatile sig_atomic_t g_own_signals = 0;
void own_handler(int) { g_own_signals = g_own_signals + 1; }

const char* disposition(int signal) {
  struct sigaction now {};
  sigaction(signal, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0) return "siginfo";
  if (now.sa_handler == SIG_DFL) return "default";
  if (now.sa_handler == SIG_IGN) return "ignored";
  return now.sa_handler == &own_handler ? "own" : "lamellar";
}

int say_dispositions(lamellar::World&) {
  say("USR1 %s, USR2 %s", disposition(SIGUSR1), disposition(SIGUSR2));
  return 0;
}

}  // namespace

PROCESS_PROGRAM(dispositions) { return lamellar::launch(argc, argv, &say_dispositions); }

PROCESS_PROGRAM(dispositions_own_handler) {
  signal(SIGUSR1, &own_handler);
  const int status = lamellar::launch(argc, argv, [](lamellar::World& world) {
    raise(SIGUSR1);
    return say_dispositions(world);
  });
  say("own handler called %d times", static_cast<int>(g_own_signals));
  return status;
}

PROCESS_PROGRAM(dispositions_ignored) {
  signal(SIGUSR1, SIG_IGN);
  return lamellar::launch(argc, argv, &say_dispositions);
}

PROCESS_PROGRAM(dispositions_init) {
  lamellar::World world = lamellar::WorldBuilder().init(argc, argv);
  return say_dispositions(world);
}

// Jobs in which something goes wrong.
#include "program.hpp"

#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using programs::Counted;
using programs::say;

namespace {

std::atomic<int> g_waiting{0};

// Never ends by itself: waits for a barrier that other PEs do not enter.
struct Endless {
  int unused;
  lamellar::Task<int> exec(lamellar::Context& ctx) const {
    const Counted local;
    ++g_waiting;
    co_await ctx.world().async_barrier();
    co_return unused;
  }
};
LAMELLAR_AM(Endless, unused);

struct Throws {
  std::string text;
  int exec(lamellar::Context&) const { throw std::out_of_range(text); }
};
LAMELLAR_AM(Throws, text);

struct ThrowsLater {
  std::string text;
  lamellar::Task<int> exec(lamellar::Context& ctx) const {
    const Counted local;
    co_await ctx.world().exec_am_pe<Throws>(ctx.source_pe(), "inner " + text);
    co_return 0;
  }
};
LAMELLAR_AM(ThrowsLater, text);

struct Exits {
  int status;
  void exec(lamellar::Context&) const { std::exit(status); }
};
LAMELLAR_AM(Exits, status);

struct Echo {
  int value;
  int exec(lamellar::Context&) const { return value; }
};
LAMELLAR_AM(Echo, value);

// Calls `wait`, which must end with JobFailed, says so and throws it on.
template <class Wait>
void expect_job_failed(lamellar::World& world, const char* what, Wait wait) {
  const Counted local;
  try {
    wait();
    say("PE %u: %s returned", world.my_pe(), what);
  } catch (const lamellar::JobFailed& failed) {
    say("PE %u: %s threw JobFailed of PE %u: %s", world.my_pe(), what, failed.pe(),
        failed.reason().c_str());
    throw;
  } catch (const std::exception& other) {
    say("PE %u: %s threw something else: %s", world.my_pe(), what, other.what());
    throw;
  }
}

// PE 0 to 4 wait, each in another way; never returns.
void wait_in_many_ways(lamellar::World& world) {
  ++g_waiting;
  switch (world.my_pe()) {
    case 0:
      return expect_job_failed(world, "barrier", [&] { world.barrier(); });
    case 1:
      return expect_job_failed(world, "wait_all", [&] {
        world.exec_am_pe<Endless>(2, 1).detach();
        world.wait_all();
      });
    case 2:
      return expect_job_failed(world, "block",
                               [&] { world.exec_am_pe<Endless>(3, 1).block(); });
    case 3:
      return expect_job_failed(world, "co_await", [&] {
        auto waits = [](lamellar::World copy) -> lamellar::Task<int> {
          const Counted local;
          co_return co_await copy.exec_am_pe<Endless>(0, 1);
        };
        world.block_on(waits(world));
      });
    default:
      return expect_job_failed(world, "async_wait_all", [&] {
        auto waits = [](lamellar::World copy) -> lamellar::Task<void> {
          const Counted local;
          co_await copy.exec_am_pe<Endless>(0, 1).spawn();
          co_await copy.async_wait_all();
        };
        world.block_on(waits(world));
      });
  }
}

// The PE function of 6 PEs, whose last one fails by `fail` once the others are about to wait.
template <class Fail>
int five_wait(lamellar::World& world, Fail fail) {
  const Counted local;
  if (world.my_pe() == 5) {
    while (g_waiting.load() < 5) {
    }
    fail();
  } else {
    wait_in_many_ways(world);
  }
  return 0;
}

int ended(int status) {
  say("made more than %d, left %d", Counted::made.load() > 9 ? 9 : 0, Counted::living.load());
  return status;
}

}  // namespace

PROCESS_PROGRAM(returns_three) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    const int answer = world.exec_am_pe<Echo>((world.my_pe() + 1) % 4, 7).block();
    say("PE %u got %d", world.my_pe(), answer);
    return world.my_pe() == 1 ? 3 : 0;
  });
}

PROCESS_PROGRAM(pe_throws) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) {
    return five_wait(world, [] { throw std::invalid_argument("planted"); });
  }));
}

PROCESS_PROGRAM(pe_throws_no_exception) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) -> int {
    if (world.my_pe() == 1) throw 17;
    world.barrier();
    return 0;
  }));
}

// A PE that fails while another is far ahead: at its end.
PROCESS_PROGRAM(pe_throws_when_others_returned) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    world.barrier();
    if (world.my_pe() == 1) {
      // Nothing tells that the other PE has returned: it will soon be waiting in its end.
      for (int i = 0; i < 1000; ++i) world.exec_am_pe<Echo>(0, i).block();
      throw std::runtime_error("late");
    }
    return 0;
  });
}

PROCESS_PROGRAM(detached_throws) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) {
    return five_wait(world, [&] {
      world.exec_am_pe<Throws>(2, "planted").detach();
      expect_job_failed(world, "wait_all after detach", [&] { world.wait_all(); });
    });
  }));
}

PROCESS_PROGRAM(detached_coroutine_throws) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) {
    return five_wait(world, [&] {
      world.exec_am_pe<ThrowsLater>(2, "planted").detach();
      expect_job_failed(world, "barrier after detach", [&] { world.barrier(); });
    });
  }));
}

// Messages to the own PE without end, one after the other, until the job fails.
PROCESS_PROGRAM(own_messages_without_end) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) {
    const auto endless = [](lamellar::World copy) -> lamellar::Task<void> {
      const Counted local;
      for (;;) {
        const int answer = co_await copy.exec_am_pe<Echo>(copy.my_pe(), 1);
        g_waiting += answer;
      }
    };
    world.exec_am_pe<Echo>(1 - world.my_pe(), 0).block();  // it has sent something in this world
    auto going = world.spawn(endless(world));
    if (world.my_pe() == 1) {
      world.barrier();
      throw std::invalid_argument("planted");
    }
    expect_job_failed(world, "block", [&] {
      world.barrier();  // the other one may fail before this has heard of its end
      going.block();
    });
    return 0;
  }));
}

PROCESS_PROGRAM(detached_throws_here) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() == 1) world.exec_am_pe<Throws>(1, "planted").detach();
    world.barrier();
    return 0;
  });
}

// before: the future is dropped before the answer has come; after: when it is there.
PROCESS_PROGRAM(dropped_future) {
  const bool after = std::strcmp(argv[1], "after") == 0;
  return lamellar::launch(argc, argv, [after](lamellar::World& world) {
    if (world.my_pe() == 1) {
      auto future = world.exec_am_pe<Throws>(0, "planted").spawn();
      while (after && !future.ready()) world.wait_all();
    }
    world.barrier();
    return 0;
  });
}

PROCESS_PROGRAM(dropped_task_future) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() == 1)
      static_cast<void>(world.spawn([] { throw std::invalid_argument("planted"); }));
    world.barrier();
    return 0;
  });
}

PROCESS_PROGRAM(error_handler) {
  static std::atomic<int> seen{0};
  auto handler = [](std::exception_ptr error) {
    ++seen;
    try {
      std::rethrow_exception(error);
    } catch (const lamellar::RemoteError& remote) {
      say("handler: RemoteError %s", remote.what());
    } catch (const std::exception& known) {
      say("handler: %s", known.what());
    }
  };
  const int status =
      lamellar::WorldBuilder().on_error(handler).launch(argc, argv, [](lamellar::World& world) {
        if (world.my_pe() == 0) {
          for (lamellar::Pe pe = 0; pe < world.num_pes(); ++pe)
            world.exec_am_pe<Throws>(pe, "detached").detach();
          static_cast<void>(world.exec_am_pe<Throws>(1, "dropped").spawn());
        }
        world.wait_all();
        world.barrier();
        return world.exec_am_pe<Echo>(1, 5).block() == 5 ? 0 : 1;
      });
  say("seen %d", seen.load());
  return status;
}

PROCESS_PROGRAM(error_handler_throws) {
  return lamellar::WorldBuilder()
      .on_error([](std::exception_ptr error) { std::rethrow_exception(error); })
      .launch(argc, argv, [](lamellar::World& world) {
        if (world.my_pe() == 0) world.exec_am_pe<Throws>(1, "planted").detach();
        world.barrier();
        world.wait_all();
        return 0;
      });
}

// All PEs throw as nearly at once as threads can.
PROCESS_PROGRAM(all_throw) {
  return ended(lamellar::launch(argc, argv, [](lamellar::World& world) -> int {
    static std::atomic<lamellar::Pe> there{0};
    const Counted local;
    ++there;
    while (there.load() < world.num_pes()) {
    }
    throw std::runtime_error("all at once");
  }));
}

PROCESS_PROGRAM(exits) {
  const int status = std::atoi(argv[1]);
  return lamellar::launch(argc, argv, [status](lamellar::World& world) {
    if (world.my_pe() == 1) std::exit(status);
    world.barrier();
    return 0;
  });
}

PROCESS_PROGRAM(exits_in_exec) {
  const int status = std::atoi(argv[1]);
  return lamellar::launch(argc, argv, [status](lamellar::World& world) {
    if (world.my_pe() == 0) world.exec_am_pe<Exits>(1, status).detach();
    world.barrier();
    world.wait_all();
    return 0;
  });
}

PROCESS_PROGRAM(exits_alone) {
  const int status = std::atoi(argv[1]);
  return lamellar::launch(argc, argv, [status](lamellar::World&) {
    std::exit(status);
    return 0;
  });
}

// Once the job is over, exit() is nobody's business.
PROCESS_PROGRAM(exits_afterwards) {
  lamellar::launch(argc, argv, [](lamellar::World&) { return 0; });
  std::exit(4);
}

// What a world does when it is used after its end.
PROCESS_PROGRAM(world_afterwards) {
  static std::optional<lamellar::World> kept;
  static std::optional<lamellar::PeLocal<int>> local;
  const int status = lamellar::WorldBuilder().name("first").launch(
      argc, argv, [](lamellar::World& world) {
        lamellar::PeLocal<int> here(world, 5);
        if (world.my_pe() == 0) {
          kept = world;
          local = here;
        }
        return 0;
      });
  const auto expect_ended = [](const char* what, auto call) {
    try {
      call();
      say("%s returned", what);
    } catch (const lamellar::WorldEnded& ended) {
      say("%s: WorldEnded %s", what, std::strstr(ended.what(), "'first'") ? "first" : ended.what());
    } catch (const std::exception& other) {
      say("%s threw something else: %s", what, other.what());
    }
  };
  lamellar::World& world = *kept;
  expect_ended("block", [&] { world.exec_am_pe<Echo>(1, 1).block(); });
  expect_ended("block here", [&] { world.exec_am_pe<Echo>(0, 1).block(); });
  expect_ended("spawn", [&] { static_cast<void>(world.exec_am_pe<Echo>(1, 1).spawn()); });
  expect_ended("detach", [&] { world.exec_am_pe<Echo>(1, 1).detach(); });
  expect_ended("detach here", [&] { world.exec_am_pe<Echo>(0, 1).detach(); });
  expect_ended("all", [&] { world.exec_am_all<Echo>(1).block(); });
  expect_ended("all detached", [&] { world.exec_am_all<Echo>(1).detach(); });
  expect_ended("local", [&] { world.exec_am_local(Echo{1}).block(); });
  expect_ended("task", [&] { static_cast<void>(world.spawn([] { return 1; })); });
  expect_ended("barrier", [&] { world.barrier(); });
  expect_ended("async_barrier", [&] { world.async_barrier().block(); });
  expect_ended("wait_all", [&] { world.wait_all(); });
  expect_ended("async_wait_all", [&] { world.async_wait_all().block(); });
  expect_ended("PeLocal", [&] { lamellar::PeLocal<int> late(world, 1); });
  expect_ended("PeLocal::local", [&] { say("%d", local->local(world)); });
  world.flush();
  say("PE %u of %u, world %s", world.my_pe(), world.num_pes(), world.name().c_str());
  return status;
}

// A handle that is never started: plain, in a moved-to handle, while an exception unwinds.
PROCESS_PROGRAM(dropped_handle) {
  const std::string how = argv[1];
  return lamellar::launch(argc, argv, [how](lamellar::World& world) {
    if (how == "plain") {
      auto handle = world.exec_am_pe<Echo>(0, 1);  // here: dropped handle
    } else if (how == "moved") {
      auto first = world.exec_am_pe<Echo>(0, 1);  // here: moved handle
      auto second = std::move(first);
    } else if (how == "all") {
      auto handle = world.exec_am_all(Echo{1});  // here: dropped all
    } else if (how == "local") {
      auto handle = world.exec_am_local(Echo{1});  // here: dropped local
    } else if (how == "barrier") {
      auto handle = world.async_barrier();  // here: dropped barrier
    } else if (how == "unwinding") {
      try {
        auto handle = world.exec_am_pe<Echo>(0, 1);
        throw std::runtime_error("unwinds");
      } catch (const std::runtime_error&) {
        say("caught");
      }
    } else if (how == "refused") {
      try {
        auto handle = world.exec_am_pe<Echo>(9, 1);
        std::move(handle).block();
      } catch (const lamellar::OutOfRange& error) {
        say("%s", error.what());
      }
    }
    say("end");
    return 0;
  });
}

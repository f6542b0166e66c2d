// How jobs start, and do not.
#include "program.hpp"

#include <cstring>
#include <string>

using programs::say;

// Says its PEs, then what is left of its arguments.
PROCESS_PROGRAM(shape) {
  char** const words = argv;
  const int status = lamellar::launch(argc, argv, [](lamellar::World& world) {
    static std::atomic<lamellar::Pe> there{0};
    ++there;
    world.barrier();
    if (world.my_pe() == 0)
      say("%u PEs, %u ran, %u threads each, world %s", world.num_pes(), there.load(),
          world.num_threads_per_pe(), world.name().c_str());
    return 0;
  });
  std::string left;
  for (int i = 1; i < argc; ++i) left += std::string(left.empty() ? "" : "|") + words[i];
  say("left [%s]%s", left.c_str(), words[argc] == nullptr ? "" : " and no null behind them");
  return status;
}

PROCESS_PROGRAM(shape_of_builder) {
  return lamellar::WorldBuilder().num_pes(3).threads(2).launch(
      argc, argv, [](lamellar::World& world) {
        if (world.my_pe() == 0) say("%u PEs of %u", world.num_pes(), world.num_threads_per_pe());
        return 0;
      });
}

PROCESS_PROGRAM(shape_forced) {
  return lamellar::WorldBuilder().force_num_pes(3).launch(argc, argv, [](lamellar::World& world) {
    if (world.my_pe() == 0) say("%u PEs", world.num_pes());
    return 0;
  });
}

PROCESS_PROGRAM(init) {
  try {
    lamellar::World world = lamellar::WorldBuilder().init(argc, argv);
    say("PE %u of %u", world.my_pe(), world.num_pes());
    world.barrier();
  } catch (const lamellar::Unsupported& error) {
    say("Unsupported: %s", error.what());
  } catch (const lamellar::ConfigError& error) {
    say("ConfigError: %s", error.what());
  } catch (const lamellar::LaunchError& error) {
    say("LaunchError: %s", error.what());
  }
  return 0;
}

PROCESS_PROGRAM(unknown_builder_setting) {
  try {
    lamellar::WorldBuilder().set("NUM_PEZ", "2");
  } catch (const lamellar::ConfigError& error) {
    say("ConfigError: %s", error.what());
  }
  return 0;
}

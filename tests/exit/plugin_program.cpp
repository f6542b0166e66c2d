// A program of 2 PEs that loads a library with a type of active message:
//   plugin_program LIBRARY before|after|only_pe_0
// before the job starts on every PE, after it has started, or before it starts on PE 0 alone.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <lamellar/world.hpp>
#include <string>

namespace {

using Ask = int (*)(lamellar::World*);

Ask load(const char* library) {
  void* const handle = dlopen(library, RTLD_NOW);
  return handle == nullptr ? nullptr : reinterpret_cast<Ask>(dlsym(handle, "lml_plugin_ask"));
}

}  // namespace

struct OfProgram {
  int value;
  int exec(lamellar::Context&) const { return value; }
};
LAMELLAR_AM(OfProgram, value);

int main(int argc, char** argv) {
  const std::string when = argv[2];
  const char* const rank = std::getenv("PMI_RANK");
  Ask ask = nullptr;
  if (when == "before" || (when == "only_pe_0" && rank != nullptr && *rank == '0'))
    ask = load(argv[1]);
  return lamellar::launch(argc, argv, [&](lamellar::World& world) {
    if (when == "after") ask = load(argv[1]);
    world.barrier();
    if (world.my_pe() != 0) return 0;
    if (ask == nullptr) return 9;
    if (world.exec_am_pe<OfProgram>(1, 5).block() != 5) return 8;
    try {
      std::printf("the plugin's answer: %d\n", ask(&world));
    } catch (const std::exception& error) {
      std::printf("refused: %s\n", error.what());
    }
    std::fflush(stdout);
    return 0;
  });
}

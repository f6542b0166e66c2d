#include "program.hpp"

#include <cstring>
#include <exception>

int main(int argc, char** argv) {
  const char* const wanted = argc > 1 ? argv[1] : "";
  for (const auto* program = programs::Program::first; program; program = program->next) {
    if (std::strcmp(program->name, wanted) != 0) continue;
    for (int i = 1; i < argc; ++i) argv[i] = argv[i + 1];
    --argc;
    try {
      return program->main(argc, argv);
    } catch (const std::exception& error) {
      programs::say("uncaught: %s", error.what());
      return 99;
    }
  }
  std::fprintf(stderr, "there is no program '%s'\n", wanted);
  return 98;
}

#pragma once
// Small programs for the process tests, all in one binary: process_programs NAME [ARGUMENT]...

#include <lamellar/world.hpp>

#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace programs {

struct Program {
  Program(const char* its_name, int (*its_main)(int& argc, char** argv))
      : name(its_name), main(its_main), next(first) {
    first = this;
  }
  const char* name;
  int (*main)(int& argc, char** argv);
  Program* next;
  static inline Program* first = nullptr;
};

// One line on standard output, at once.
inline void say(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline void say(const char* format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::printf("%s\n", text);
  std::fflush(stdout);
}

// Counts how many of it live: what unwinding forgets stays.
struct Counted {
  Counted() { ++made, ++living; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --living; }
  static inline std::atomic<int> made{0};
  static inline std::atomic<int> living{0};
};

}  // namespace programs

// The program's main: int& argc and char** argv are its parameters; argv[0] is the program.
#define PROCESS_PROGRAM(name)                                             \
  static int name##_main(int& argc, char** argv);                         \
  static const programs::Program name##_program{#name, &name##_main};     \
  static int name##_main([[maybe_unused]] int& argc, [[maybe_unused]] char** argv)

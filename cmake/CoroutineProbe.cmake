# lamellar_probe_coroutines(): finds out at configure time, by running two tiny programs, whether
# the compiler miscompiles coroutine code that users are likely to write, and sets for the caller
#   LAMELLAR_COROUTINE_AGGREGATE_BUG  ON  an aggregate temporary inside an awaited expression is
#                                         destroyed once too often
#   LAMELLAR_COROUTINE_CONDITION_BUG  ON  co_await in a condition breaks a coroutine without local
#                                         variables
# Both are known of g++ 12; docs/guides/gcc12-and-co_await.md says what to write instead.
# Cross compiling runs nothing: both are then assumed ON for g++ before 13, otherwise OFF.
# The outcome of a run is cached; remove the LAMELLAR_PROBE_* cache entries to probe again.

set(LAMELLAR_PROBE_PRELUDE [==[
#include <coroutine>
#include <exception>
#include <unistd.h>
#include <utility>
struct Task {
  struct promise_type {
    Task get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(int v) { value = v; }
    void unhandled_exception() { std::terminate(); }
    int value = 0;
  };
  std::coroutine_handle<promise_type> handle;
};
int run(Task task) {  // 1: ended with 1; the frame is left to the end of the program
  for (int i = 0; i < 3 && !task.handle.done(); ++i) task.handle.resume();
  return task.handle.done() && task.handle.promise().value == 1;
}
]==])

set(LAMELLAR_PROBE_AGGREGATE [==[
int born = 0, died = 0;
struct Counted {
  Counted() { ++born; }
  Counted(const Counted&) { ++born; }
  ~Counted() { ++died; }
};
struct Hello { Counted text; int from; };
struct Awaiter {
  Hello hello;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  int await_resume() { return hello.from; }
};
struct Handle {
  Hello hello;
  Awaiter operator co_await() && { return Awaiter{hello}; }
};
Handle exec(Hello hello) { return Handle{hello}; }
Task idiom() { int r = co_await exec(Hello{Counted(), 1}); co_return r; }
int main() { alarm(5); return run(idiom()) && born == died ? 0 : 1; }
]==])

set(LAMELLAR_PROBE_CONDITION [==[
struct Awaiter {
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  bool await_resume() { return true; }
};
Task idiom() { if (co_await Awaiter{}) co_return 1; co_return 2; }
int main() { alarm(5); return run(idiom()) ? 0 : 1; }
]==])

function(lamellar_probe_one name what)
  set(bug OFF)
  set(how "probed")
  if(CMAKE_CROSSCOMPILING)
    set(how "assumed, cross compiling")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      set(bug ON)
    endif()
  else()
    try_run(LAMELLAR_PROBE_${name}_STATUS LAMELLAR_PROBE_${name}_COMPILES
      SOURCE_FROM_CONTENT coroutine_probe.cpp
      "${LAMELLAR_PROBE_PRELUDE}${LAMELLAR_PROBE_${name}}"
      CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    if(NOT LAMELLAR_PROBE_${name}_COMPILES)
      message(WARNING "Lamellar needs C++20 coroutines; ${CMAKE_CXX_COMPILER_ID} "
        "${CMAKE_CXX_COMPILER_VERSION} did not compile a small one (the ${what} probe)")
    elseif(NOT "${LAMELLAR_PROBE_${name}_STATUS}" STREQUAL "0")
      set(bug ON)
    endif()
  endif()
  if(bug)
    message(STATUS "Coroutines: ${what}: MISCOMPILED by this compiler (${how}); "
      "see docs/guides/gcc12-and-co_await.md")
  else()
    message(STATUS "Coroutines: ${what}: fine (${how})")
  endif()
  set(LAMELLAR_COROUTINE_${name}_BUG ${bug} PARENT_SCOPE)
endfunction()

function(lamellar_probe_coroutines)
  lamellar_probe_one(AGGREGATE "aggregate temporary in an awaited expression")
  lamellar_probe_one(CONDITION "co_await in a condition")
  set(LAMELLAR_COROUTINE_AGGREGATE_BUG ${LAMELLAR_COROUTINE_AGGREGATE_BUG} PARENT_SCOPE)
  set(LAMELLAR_COROUTINE_CONDITION_BUG ${LAMELLAR_COROUTINE_CONDITION_BUG} PARENT_SCOPE)
endfunction()

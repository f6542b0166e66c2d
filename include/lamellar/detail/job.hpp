#pragma once
// What a scheduler runs, and what the runtime knows of the calling thread.

#include <cstdint>

#include <lamellar/export.hpp>

namespace lamellar::engine {
class Engine;
class Scheduler;
}  // namespace lamellar::engine

namespace lamellar {

// Of jobs: high ones run before others, low ones when nothing else is there; none starves.
enum class Priority : std::uint8_t { kHigh, kNormal, kLow };

}  // namespace lamellar

namespace lamellar::detail {

struct CursorTable;

// A unit of work, linked into a queue without allocation. LIFETIME: until run was called.
struct Job {
  explicit Job(void (*function)(Job*) noexcept) noexcept : run(function) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  void (*run)(Job*) noexcept;
  Job* next = nullptr;
};

// What the calling thread runs just now. Two bytes: saved and restored as one.
struct Inside {
  bool handler = false;  // the innermost is a handler; others wait behind it
  bool am = false;       // an active message, or a task descended from one: quiesce() waits for it
};

struct ThreadState {
  void* next_coroutine = nullptr;   // the trampoline's next handle
  CursorTable* cursors = nullptr;   // open frames of this thread for the world used last
  engine::Engine* engine = nullptr; // the world whose PE this thread works for
  engine::Scheduler* scheduler = nullptr;  // that runs the current task or handler
  std::uint32_t depth = 0;          // > 0: inside a task or a message handler
  void* starting = nullptr;         // the coroutine message that runs for the first time (AmCell)
  Inside inside;
};

// initial-exec: reached by one instruction also from outside the library.
extern LAMELLAR_API constinit thread_local ThreadState t_state
    __attribute__((tls_model("initial-exec")));

// The calling thread's state. clang keeps a thread_local's address over a co_await, after which the
// coroutine may be on another thread: there it must be a call it cannot see through.
#if defined(__clang__)
[[gnu::noinline]] inline ThreadState& this_thread() noexcept {
  asm volatile("");
  return t_state;
}
#else
inline ThreadState& this_thread() noexcept { return t_state; }
#endif

// THREADS: any. BLOCKS: never.
LAMELLAR_API void submit(engine::Scheduler& scheduler, Job& job,
                         Priority priority = Priority::kNormal) noexcept;

// A task descended from an active message is about to be submitted; it has run.
LAMELLAR_API void descendant_began(engine::Scheduler& scheduler) noexcept;
LAMELLAR_API void descendant_ended(engine::Scheduler& scheduler) noexcept;

}  // namespace lamellar::detail

#pragma once
// Where a thread appends active messages and their answers: one cursor per destination, on the open
// frame that goes there. The append itself is inline in user code; the library is entered once per
// frame.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <lamellar/detail/job.hpp>
#include <lamellar/types.hpp>

namespace lamellar::engine {
struct RequestShelf;
}

namespace lamellar::detail {

struct SpillFrame;

// Owned by one thread. Others (the progress tick, wait_all) only read the atomics and may lower
// `limit` to null, which sends the owner's next append through the library.
struct alignas(128) Cursor {
  // What the inline append needs.
  std::byte* at = nullptr;                    // next free byte
  std::atomic<std::byte*> limit{nullptr};     // end of the frame, or null
  std::uintptr_t run = 0;                     // what the open run carries: see kDetachedRun
  std::atomic<std::atomic<std::uint32_t>*> committed{nullptr};
  std::byte* payload = nullptr;
  // What the library needs besides.
  std::uint32_t run_header = 0;               // offset of the open run's header
  std::uint32_t handed_over = 0;              // of what is committed, when the owner last did that
  std::byte* end = nullptr;
  std::atomic<std::uint64_t> frame{0};        // index | life << 32 of the open frame
  std::atomic<std::uint32_t> version{0};      // odd while the owner changes frames
  std::atomic<bool> watched{false};           // the progress tick looks at it
  std::atomic<std::uint64_t> sealed_bytes{0}; // committed bytes of all frames before this one
  std::uint64_t seen_by_tick = 0;             // the tick's: version and length it saw last
  std::atomic<bool> rested{false};            // the owner has handed over everything
  bool open = false;
  bool listed = false;                        // among the thread's active ones
  SpillFrame* spill = nullptr;                // set when the frame is private memory
  std::atomic<std::uint32_t> spill_committed{0};

  // Makes everything up to `to` visible to the receiver. Pairs with its acquire load.
  void commit(std::byte* to) noexcept {
    at = to;
    committed.load(std::memory_order_relaxed)
        ->store(static_cast<std::uint32_t>(to - payload), std::memory_order_release);
  }
};
static_assert(sizeof(Cursor) == 128 && offsetof(Cursor, run_header) < 64);

// The open runs that are appended to inline: the address of the AmType and one of these; of
// answers, which carry no type, the last one alone.
inline constexpr std::uintptr_t kDetachedRun = 0, kRequestRun = 1, kReplyRun = 2;

// All cursors of one thread for one world.
struct CursorTable {
  std::atomic<engine::Engine*> owner{nullptr};  // null once the world has ended
  engine::Scheduler* scheduler = nullptr;
  engine::RequestShelf* requests = nullptr;
  Pe my_pe = 0;
  Pe num_pes = 0;
  Cursor* cursors = nullptr;  // num_pes for requests, then num_pes for replies and control
};

}  // namespace lamellar::detail

#pragma once
// Appends records to open frames: one set of cursors per thread, so that no append takes a lock.
#include <atomic>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

#include <lamellar/detail/am_type.hpp>
#include <lamellar/detail/cursor.hpp>

#include "base/clock/mutex.hpp"
#include "base/helper/helper.hpp"
#include "base/wire/wire.hpp"
#include "engine/am/backlog.hpp"
#include "engine/am/registry.hpp"
#include "engine/am/request_table.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::engine {

// What goes into one record: fixed bytes, then (when asked) the length of the body, then the body.
struct RecordSource {
  const void* head = nullptr;
  std::size_t head_size = 0;
  bool with_length = false;
  const void* body = nullptr;
  detail::EncodeFn encode = nullptr;  // null: no body

  void write(detail::SpanWriter& to) const;
};

// What a run holds, for telling whether the next record may join it.
struct RunKind {
  std::uintptr_t key = 0;  // address of the AmType, plus the kind; never 0
  std::uint32_t word = 0;
  std::uint32_t domain = 0;  // what a run of a group begins with; 0: of none
  const char* name = "";     // for messages

  void write_begin(detail::SpanWriter& to) const {
    if (domain != 0) to.put_value(domain);
  }
};

struct SenderOptions {
  Engine* engine = nullptr;         // the world its cursors are for
  std::uint64_t max_record = 0;     // LAMELLAR_MAX_AM. UNITS: bytes
  std::uint64_t flush_ns = 0;
  std::uint32_t threads_per_pe = 1; // a guess, until threads have shown up
};

class Sender final : public base::TickTarget {
 public:
  Sender(lamellae::Lamella& lamella, Scheduler& scheduler, Backlog& backlog,
         SenderOptions options);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // BLOCKS: on the request lane outside of tasks, for credits. ERRORS: AmTooLarge; what
  // Scheduler::interrupt() gave.
  void append(Pe destination, lamellae::Lane lane, const RunKind& kind,
              const RecordSource& record);
  // What the calling thread has open leaves now; its next append goes through the library.
  void flush_this_thread() noexcept;
  // The calling thread has answers for `destination` that have not left.
  bool reply_waits(Pe destination) noexcept;
  // Replies and spilled frames of the calling thread leave now.
  void flush_replies() noexcept;

  // The calling thread's. LIFETIME: of the sender.
  RequestShelf& shelf_of_this_thread() {
    const detail::CursorTable* const last = detail::t_state.cursors;
    return last != nullptr && belongs_here(*last) ? *last->requests : find_shelf();
  }
  // By all threads so far. See RequestShelf for the order in which to look.
  std::uint64_t requests_opened() const noexcept;
  std::uint64_t requests_answered() const noexcept;

  // Request bytes committed for `destination` so far, by all threads.
  std::uint64_t bytes_sent(Pe destination) noexcept;

  // No thread may append any more; their cursors forget this world.
  void close() noexcept;

  Seen tick() noexcept override;
  std::uint64_t tick_interval_ns() const noexcept override { return options_.flush_ns; }

 private:
  struct Table;
  struct Tables;
  enum class Put : std::uint8_t { kDone, kFull, kTooLarge };

  Table& table_of_this_thread();
  RequestShelf& find_shelf();
  bool belongs_here(const detail::CursorTable& table) const noexcept {
    return table.owner.load(std::memory_order_relaxed) == options_.engine;
  }
  detail::Cursor& cursor_of(Table& table, lamellae::Lane lane, Pe destination) noexcept;
  static bool join(detail::Cursor& cursor, const RunKind& kind, const RecordSource& record);
  bool try_eager(Pe destination, lamellae::Lane lane, const RunKind& kind,
                 const RecordSource& record);
  Put put_or_close(Table& table, detail::Cursor& cursor, const RunKind& kind,
                   const RecordSource& record);
  Put try_put(detail::Cursor& cursor, const RunKind& kind, const RecordSource& record);
  void open(detail::Cursor& cursor, lamellae::Lane lane, Pe destination);
  void install(detail::Cursor& cursor, const lamellae::OpenFrame& frame) noexcept;
  void install_spill(detail::Cursor& cursor, lamellae::Lane lane, Pe destination);
  void check_room(std::uint64_t bytes);
  template <class Done>
  void work_until(const Done& done, const char* what, Pe destination);
  static void list(Table& table, detail::Cursor& cursor);
  void after_append(Table& table, detail::Cursor& cursor, lamellae::Lane lane, Pe destination);
  void send_large(const RunKind& kind, const RecordSource& record, lamellae::Lane lane,
                  Pe destination);
  static void close_run(detail::Cursor& cursor) noexcept;
  void seal(Table& table, detail::Cursor& cursor) noexcept;
  static std::uint32_t close_frame(detail::Cursor& cursor) noexcept;
  void seal_full(Table& table, detail::Cursor& cursor, Pe destination);
  void hand_over(detail::Cursor& cursor) noexcept;
  void rest(Table& table, detail::Cursor& cursor) noexcept;
  void retire(Table& table) noexcept;
  bool scarce(lamellae::Lane lane) const noexcept;
  static Tables& tables_of_this_thread() noexcept;
  static Seen tick_cursor(lamellae::Lamella& lamella, detail::Cursor& cursor) noexcept;

  lamellae::Lamella& lamella_;
  Scheduler& scheduler_;
  Backlog& backlog_;
  const SenderOptions options_;
  std::shared_ptr<base::Helper> helper_;

  mutable base::Mutex mutex_;  // guards the list and what retired
  std::vector<std::shared_ptr<Table>> tables_;
  std::vector<std::uint64_t> retired_bytes_;  // of threads that ended
  std::uint64_t retired_opened_ = 0;
  std::uint64_t retired_answered_ = 0;
  std::atomic<std::uint32_t> num_tables_{0};
  bool closed_ = false;
};

}  // namespace lamellar::engine

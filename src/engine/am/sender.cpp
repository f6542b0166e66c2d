#include "engine/am/sender.hpp"

#include <algorithm>
#include <cstring>
#include <lamellar/error.hpp>

#include "base/core/assert.hpp"
#include "engine/am/engine.hpp"
#include "engine/sched/scheduler.hpp"

namespace lamellar::engine {

using detail::Cursor;
using lamellae::Lane;

namespace {

constinit std::atomic<std::uint32_t> g_nothing_committed{0};  // what a closed cursor points at

constexpr std::uint64_t pack(lamellae::FrameRef frame) {
  return std::uint64_t{frame.life} << 32 | frame.index;
}
constexpr lamellae::FrameRef unpack(std::uint64_t packed) {
  return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
}

// Messages to the own PE for which there was no frame.
struct OwnFrame : detail::Job {
  OwnFrame(Engine& on, std::unique_ptr<detail::SpillFrame> messages)
      : Job(&start), engine(on), frame(std::move(messages)) {}
  static void start(Job* job) noexcept {
    auto* const me = static_cast<OwnFrame*>(job);
    Engine& on = me->engine;
    const std::unique_ptr<detail::SpillFrame> frame = std::move(me->frame);
    detail::slab_delete(me);
    run(on, *frame);
  }
  static void run(Engine& on, const detail::SpillFrame& frame) noexcept {
    lamellae::RunState state;
    on.receiver().on_chunk(
        {on.my_pe(), Lane::kRequest, frame.payload.get(), 0, frame.length, &state});
  }
  Engine& engine;
  std::unique_ptr<detail::SpillFrame> frame;
};

}  // namespace

// All cursors of one thread. Freed when both the thread and the sender have let go.
struct Sender::Table : detail::CursorTable {
  explicit Table(Sender& sender, engine::Engine* engine, Pe pes)
      : cursors_owned(new Cursor[lamellae::kLanes * pes]), home(&sender) {
    owner.store(engine, std::memory_order_relaxed);
    scheduler = &sender.scheduler_;
    requests = &shelf;
    my_pe = sender.lamella_.my_pe();
    num_pes = pes;
    cursors = cursors_owned.get();
    for (std::size_t i = 0; i < lamellae::kLanes * pes; ++i)
      cursors[i].committed.store(&g_nothing_committed, std::memory_order_relaxed);
    active.reserve(lamellae::kLanes * pes);
  }
  std::unique_ptr<Cursor[]> cursors_owned;
  RequestShelf shelf;
  std::vector<Cursor*> active;  // opened or reopened since the last flush; the thread's own
  base::Mutex mutex;            // guards home
  Sender* home;                 // null once the sender is gone
};

// The tables of one thread, one per world it sent in.
struct Sender::Tables {
  std::vector<std::shared_ptr<Table>> all;
  ~Tables() {
    detail::t_state.cursors = nullptr;
    for (auto& table : all) {
      base::Lock lock(table->mutex);
      if (table->home != nullptr) table->home->retire(*table);
    }
  }
};

void RecordSource::write(detail::SpanWriter& to) const {
  to.put(head, head_size);
  std::byte* const length_at = to.at;
  wire::Length length = 0;
  if (with_length) to.put_value(length);
  const std::size_t before = to.needed();
  if (encode != nullptr) encode(body, to);
  if (!with_length || !to.fits()) return;
  length = static_cast<wire::Length>(to.needed() - before);
  std::memcpy(length_at, &length, sizeof length);
}

Sender::Sender(lamellae::Lamella& lamella, Scheduler& scheduler, Backlog& backlog,
               SenderOptions options)
    : lamella_(lamella),
      scheduler_(scheduler),
      backlog_(backlog),
      options_(options),
      helper_(base::Helper::shared()),
      retired_bytes_(lamella.num_pes()) {
  helper_->add(*this);
}

Sender::~Sender() { close(); }

Sender::Tables& Sender::tables_of_this_thread() noexcept {
  static thread_local Tables tables;
  return tables;
}

Sender::Table& Sender::table_of_this_thread() {
  auto* const last = static_cast<Table*>(detail::t_state.cursors);
  if (last != nullptr && belongs_here(*last)) return *last;
  Tables& mine = tables_of_this_thread();
  detail::t_state.cursors = nullptr;
  std::erase_if(mine.all, [](const auto& table) {
    return table->owner.load(std::memory_order_relaxed) == nullptr;
  });
  for (const auto& table : mine.all) {
    if (!belongs_here(*table)) continue;
    detail::t_state.cursors = table.get();
    return *table;
  }
  auto table = std::make_shared<Table>(*this, options_.engine, lamella_.num_pes());
  {
    base::Lock lock(mutex_);
    tables_.push_back(table);
  }
  num_tables_.fetch_add(1);
  mine.all.push_back(table);
  detail::t_state.cursors = table.get();
  return *table;
}

RequestShelf& Sender::find_shelf() { return *table_of_this_thread().requests; }

std::uint64_t Sender::requests_opened() const noexcept {
  base::Lock lock(mutex_);
  std::uint64_t sum = retired_opened_;
  for (const auto& table : tables_) sum += table->shelf.opened.load();
  return sum;
}

std::uint64_t Sender::requests_answered() const noexcept {
  base::Lock lock(mutex_);
  std::uint64_t sum = retired_answered_;
  for (const auto& table : tables_) sum += table->shelf.answered.load();
  return sum;
}

Cursor& Sender::cursor_of(Table& table, Lane lane, Pe destination) noexcept {
  return table.cursors[static_cast<std::size_t>(lane) * table.num_pes + destination];
}

// Frames are kept open only while there are plenty, two for each cursor that may hold one, and
// while appended messages may wait at all.
bool Sender::scarce(Lane lane) const noexcept {
  if (options_.flush_ns == 0) return true;
  const std::uint64_t threads =
      std::max(options_.threads_per_pe + 1, num_tables_.load(std::memory_order_relaxed));
  return lamella_.frames(lane) < 2 * threads * lamella_.num_pes();
}

void Sender::append(Pe destination, Lane lane, const RunKind& kind, const RecordSource& record) {
  Table& table = table_of_this_thread();
  Cursor& cursor = cursor_of(table, lane, destination);
  const bool resting = cursor.limit.load(std::memory_order_relaxed) == nullptr;
  if (!resting && join(cursor, kind, record)) return;
  // Nothing is being gathered for that PE. A detached message is not so urgent, and it is counted
  // in bytes, which those in slots are not: a request ends with its answer.
  if (resting && !wire::counts_bytes(wire::kind_of(kind.word)) &&
      try_eager(destination, lane, kind, record))
    return;
  for (;;) {
    const bool spilled_by_a_handler =
        cursor.spill != nullptr && detail::t_state.depth == 0 && lane == Lane::kRequest;
    if (spilled_by_a_handler) seal(table, cursor);
    if (!cursor.open) open(cursor, lane, destination);
    switch (put_or_close(table, cursor, kind, record)) {
      case Put::kDone:
        return after_append(table, cursor, lane, destination);
      case Put::kFull:
        seal_full(table, cursor, destination);
        break;
      case Put::kTooLarge:
        seal(table, cursor);
        return send_large(kind, record, lane, destination);
    }
  }
}

// A record that cannot be encoded leaves no empty frame behind: nobody would flush it, and it keeps
// a credit, or counts as waiting for one.
Sender::Put Sender::put_or_close(Table& table, Cursor& cursor, const RunKind& kind,
                                 const RecordSource& record) {
  try {
    return try_put(cursor, kind, record);
  } catch (...) {
    if (cursor.at == cursor.payload) seal(table, cursor);
    throw;
  }
}

// As the inline append does (detail::join_run): one more record of the open run.
bool Sender::join(Cursor& cursor, const RunKind& kind, const RecordSource& record) {
  if (cursor.run != kind.key || cursor.spill != nullptr) return false;
  detail::SpanWriter to(cursor.at, cursor.end);
  record.write(to);
  if (!to.fits()) return false;
  cursor.commit(to.at);
  return true;
}

bool Sender::try_eager(Pe destination, Lane lane, const RunKind& kind,
                       const RecordSource& record) {
  lamellae::Lamella::EagerRoom room;
  if (!lamella_.try_claim_eager(destination, room)) return false;
  const wire::RunHeader run{kind.word, 0};
  detail::SpanWriter to(room.bytes, room.bytes + room.capacity);
  to.put_value(run);
  try {
    record.write(to);
  } catch (...) {
    lamella_.unclaim_eager(destination);
    throw;
  }
  if (to.fits())
    lamella_.post_eager(destination, lane, static_cast<std::uint32_t>(to.at - room.bytes));
  else
    lamella_.unclaim_eager(destination);
  return to.fits();
}

Sender::Put Sender::try_put(Cursor& cursor, const RunKind& kind, const RecordSource& record) {
  const auto used = static_cast<std::size_t>(cursor.at - cursor.payload);
  const bool joins = cursor.run == kind.key;
  const std::size_t header = joins ? cursor.run_header : wire::align8(used);
  const std::size_t start = joins ? used : header + sizeof(wire::RunHeader);
  const auto capacity = static_cast<std::size_t>(cursor.end - cursor.payload);
  if (start > capacity) return Put::kFull;
  detail::SpanWriter to(cursor.payload + start, cursor.end);
  if (!joins) kind.write_begin(to);
  record.write(to);
  if (!to.fits()) return used == 0 ? Put::kTooLarge : Put::kFull;
  if (!joins) {
    close_run(cursor);
    const wire::RunHeader run{kind.word, 0};
    std::memcpy(cursor.payload + header, &run, sizeof run);
    cursor.run = kind.key;
    cursor.run_header = static_cast<std::uint32_t>(header);
  }
  cursor.commit(to.at);
  return Put::kDone;
}

void Sender::close_run(Cursor& cursor) noexcept {
  if (cursor.run == 0) return;
  auto* const run = reinterpret_cast<wire::RunHeader*>(cursor.payload + cursor.run_header);
  const auto bytes = static_cast<std::uint32_t>(cursor.at - cursor.payload) - cursor.run_header -
                     static_cast<std::uint32_t>(sizeof *run);
  // Atomic, since the receiver of a published prefix may be reading it; ordered by the next
  // commit or by the seal.
  std::atomic_ref<std::uint32_t>(run->bytes).store(bytes, std::memory_order_relaxed);
  cursor.run = 0;
}

void Sender::open(Cursor& cursor, Lane lane, Pe destination) {
  lamellae::OpenFrame frame;
  if (backlog_.empty() && lamella_.try_open(destination, lane, frame))
    return install(cursor, frame);
  // Handlers and tasks never wait, nor do replies: they go on in private memory.
  if (detail::t_state.depth != 0 || lane != Lane::kRequest) {
    if (lamella_.try_open(destination, lane, frame)) return install(cursor, frame);
    return install_spill(cursor, lane, destination);
  }
  bool opened = false;
  lamella_.want_frames(true);
  const std::uint32_t enough = lamella_.credits(lane) / 2;
  scheduler_.work_until(
      [&] {
        opened = opened || (lamella_.in_flight(destination, lane) <= enough &&
                            lamella_.try_open(destination, lane, frame));
        return opened || scheduler_.interrupted();
      },
      {"credit for another frame", "send from a task", destination, 0},
      std::source_location::current());
  lamella_.want_frames(false);
  if (!opened) scheduler_.throw_interrupted();
  // A handler that ran here meanwhile may have opened this cursor itself.
  if (cursor.open) seal(table_of_this_thread(), cursor);
  install(cursor, frame);
}

void Sender::install(Cursor& cursor, const lamellae::OpenFrame& frame) noexcept {
  cursor.version.fetch_add(1);  // odd: bytes_sent() looks again
  cursor.payload = cursor.at = frame.payload;
  cursor.handed_over = 0;
  cursor.end = frame.payload + frame.capacity;
  cursor.committed.store(frame.committed);
  cursor.frame.store(pack(frame.ref));
  cursor.spill = nullptr;
  cursor.open = true;
  cursor.version.fetch_add(1);
}

// Who does not wait must not go on for ever. Answers do wait: Engine::await_room_for_reply().
void Sender::check_room(std::uint64_t bytes) {
  if (backlog_.has_room(bytes) || scheduler_.stopping() || options_.engine->failed()) return;
  options_.engine->fail(backlog_.describe());
  options_.engine->throw_failure();
}

void Sender::install_spill(Cursor& cursor, Lane lane, Pe destination) {
  if (lane == Lane::kRequest) check_room(lamella_.frame_capacity());
  auto spill = backlog_.take_frame(destination, lane);
  cursor.version.fetch_add(1);
  cursor.payload = cursor.at = spill->payload.get();
  cursor.end = cursor.at + spill->capacity;
  cursor.spill_committed.store(0);
  cursor.committed.store(&cursor.spill_committed);
  cursor.spill = spill.release();
  cursor.open = true;
  cursor.version.fetch_add(1);
}

void Sender::list(Table& table, Cursor& cursor) {
  if (!std::exchange(cursor.listed, true)) table.active.push_back(&cursor);
}

void Sender::after_append(Table& table, Cursor& cursor, Lane lane, Pe destination) {
  if (cursor.spill == nullptr && scarce(lane)) return seal(table, cursor);
  list(table, cursor);
  if (cursor.spill != nullptr) {
    cursor.limit.store(cursor.end, std::memory_order_relaxed);
    return;
  }
  const bool rested = cursor.rested.load(std::memory_order_relaxed);
  cursor.rested.store(false, std::memory_order_relaxed);
  const bool lowered = cursor.limit.exchange(cursor.end) == nullptr;  // pairs with tick_cursor()
  // The helper has found the cursor quiet, or does not know it: from now on it looks soon again.
  if (lowered && (!rested || !cursor.watched.load())) {
    cursor.watched.store(true);
    helper_->arm(*this);
  }
  // The first record to an idle destination leaves at once.
  if (lane == Lane::kRequest && lamella_.in_flight(destination, lane) <= 1) hand_over(cursor);
}

template <class Done>
void Sender::work_until(const Done& done, const char* what, Pe destination) {
  scheduler_.work_until([&] { return done() || scheduler_.interrupted(); },
                        {what, "send from a task", destination, 0},
                        std::source_location::current());
  if (scheduler_.interrupted()) scheduler_.throw_interrupted();
}

void Sender::send_large(const RunKind& kind, const RecordSource& record, Lane lane,
                        Pe destination) {
  const bool waits = detail::t_state.depth == 0 && lane == Lane::kRequest;
  if (waits)
    work_until([&] { return !backlog_.full(); }, "credit for what was sent before", destination);
  detail::SpanWriter measure;
  kind.write_begin(measure);
  record.write(measure);
  if (measure.needed() > options_.max_record)
    throw AmTooLarge(kind.name, measure.needed(), options_.max_record);
  if (!waits && lane == Lane::kRequest && backlog_.counts(measure.needed()))
    check_room(measure.needed());
  std::vector<std::byte> bytes(measure.needed());
  detail::SpanWriter to(bytes.data(), bytes.data() + bytes.size());
  kind.write_begin(to);
  record.write(to);
  LAMELLAR_CHECK(to.fits() && to.written() == bytes.size(),
                 "a value was encoded twice with different sizes");
  backlog_.add_large(destination, lane, kind.word, std::move(bytes));
  backlog_.drain();
  if (waits)
    work_until([&] { return backlog_.large_pending(destination) == 0; },
               "credit for a large message", destination);
}

void Sender::hand_over(Cursor& cursor) noexcept {
  const auto committed = static_cast<std::uint32_t>(cursor.at - cursor.payload);
  if (committed == std::exchange(cursor.handed_over, committed)) return;
  lamella_.publish(unpack(cursor.frame.load(std::memory_order_relaxed)));
}

// The owner is done with the cursor's frame, which is still to be handed over.
std::uint32_t Sender::close_frame(Cursor& cursor) noexcept {
  const std::uint32_t committed =
      cursor.committed.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
  close_run(cursor);
  cursor.limit.store(nullptr);
  cursor.watched.store(false);
  cursor.version.fetch_add(1);
  cursor.sealed_bytes.store(cursor.sealed_bytes.load(std::memory_order_relaxed) + committed);
  cursor.committed.store(&g_nothing_committed);
  cursor.version.fetch_add(1);
  cursor.open = false;
  return committed;
}

void Sender::seal(Table& table, Cursor& cursor) noexcept {
  if (!cursor.open) return;
  const std::uint32_t committed = close_frame(cursor);
  if (cursor.spill != nullptr) {
    std::unique_ptr<detail::SpillFrame> spill(std::exchange(cursor.spill, nullptr));
    spill->length = committed;
    const auto index = static_cast<std::size_t>(&cursor - table.cursors);
    const auto lane = static_cast<Lane>(index / table.num_pes);
    const auto destination = static_cast<Pe>(index % table.num_pes);
    if (committed != 0 && destination != lamella_.my_pe())
      return backlog_.add(destination, lane, std::move(spill));
    // Messages to the own PE need no credit: they are a task like any other.
    backlog_.give_back(destination, lane, *spill);
    if (committed != 0 && !closed_)
      scheduler_.submit(
          *detail::slab_new<OwnFrame>(*options_.engine, detail::fitted(std::move(spill))));
    return;
  }
  lamellae::OpenFrame frame;
  frame.ref = unpack(cursor.frame.load(std::memory_order_relaxed));
  committed == 0 ? lamella_.discard(frame) : lamella_.seal(frame);
}

// A task that sends more to its own PE than all run meanwhile runs them itself, as it does with
// jobs (Scheduler::submit_or_run).
void Sender::seal_full(Table& table, Cursor& cursor, Pe destination) {
  if (cursor.spill == nullptr || destination != lamella_.my_pe() ||
      detail::t_state.depth > Scheduler::kDeepest)
    return seal(table, cursor);
  const std::uint32_t committed = close_frame(cursor);
  const std::unique_ptr<detail::SpillFrame> spill(std::exchange(cursor.spill, nullptr));
  spill->length = committed;
  backlog_.give_back(destination, Lane::kRequest, *spill);
  OwnFrame::run(*options_.engine, *spill);
}

// Everything appended leaves; the frame stays open, but the next append announces itself.
void Sender::rest(Table& table, Cursor& cursor) noexcept {
  if (!cursor.open) return;
  if (cursor.spill != nullptr) return seal(table, cursor);
  cursor.limit.store(nullptr, std::memory_order_relaxed);
  hand_over(cursor);
  cursor.rested.store(true, std::memory_order_release);
}

void Sender::flush_this_thread() noexcept {
  auto* const table = static_cast<Table*>(detail::t_state.cursors);
  if (table == nullptr || !belongs_here(*table)) return;
  for (Cursor* cursor : table->active) {
    cursor->listed = false;
    rest(*table, *cursor);
  }
  table->active.clear();
}

bool Sender::reply_waits(Pe destination) noexcept {
  auto* const table = static_cast<Table*>(detail::t_state.cursors);
  return table != nullptr && belongs_here(*table) &&
         cursor_of(*table, Lane::kReply, destination).limit.load(std::memory_order_relaxed) !=
             nullptr;
}

void Sender::flush_replies() noexcept {
  auto* const table = static_cast<Table*>(detail::t_state.cursors);
  if (table == nullptr || !belongs_here(*table)) return;
  const Cursor* const replies = table->cursors + table->num_pes;
  std::erase_if(table->active, [&](Cursor* cursor) {
    if (cursor < replies && cursor->spill == nullptr) return false;
    cursor->listed = false;
    rest(*table, *cursor);
    return true;
  });
}

std::uint64_t Sender::bytes_sent(Pe destination) noexcept {
  base::Lock lock(mutex_);
  std::uint64_t sum = retired_bytes_[destination];
  for (const auto& table : tables_) {
    Cursor& cursor = cursor_of(*table, Lane::kRequest, destination);
    for (;;) {
      const std::uint32_t version = cursor.version.load();
      const std::uint64_t bytes = cursor.sealed_bytes.load() + cursor.committed.load()->load();
      if ((version & 1) == 0 && cursor.version.load() == version) {
        sum += bytes;
        break;
      }
      base::spin_pause();
    }
  }
  return sum;
}

void Sender::retire(Table& table) noexcept {
  const Pe pes = table.num_pes;
  for (std::size_t i = 0; i < lamellae::kLanes * pes; ++i) seal(table, table.cursors[i]);
  options_.engine->requests().give_back(table.shelf);
  {
    base::Lock lock(mutex_);
    for (Pe pe = 0; pe < pes; ++pe)
      retired_bytes_[pe] += table.cursors[pe].sealed_bytes.load();
    retired_opened_ += table.shelf.opened.load();
    retired_answered_ += table.shelf.answered.load();
    num_tables_.fetch_sub(1);
    // Last of all: close() does not wait for a table that is not in the list, so from the end of
    // this lock on the sender may be gone.
    std::erase_if(tables_, [&](const auto& known) { return known.get() == &table; });
  }
  table.home = nullptr;
  table.owner.store(nullptr, std::memory_order_relaxed);
}

void Sender::close() noexcept {
  if (std::exchange(closed_, true)) return;
  helper_->remove(*this);
  std::vector<std::shared_ptr<Table>> tables;
  {
    base::Lock lock(mutex_);
    tables.swap(tables_);
  }
  for (const auto& table : tables) {
    base::Lock lock(table->mutex);
    for (std::size_t i = 0; i < lamellae::kLanes * table->num_pes; ++i)
      seal(*table, table->cursors[i]);
    table->home = nullptr;
    table->owner.store(nullptr, std::memory_order_relaxed);
  }
}

base::TickTarget::Seen Sender::tick_cursor(lamellae::Lamella& lamella, Cursor& cursor) noexcept {
  if (!cursor.watched.load()) return Seen::kNothing;
  const std::uint32_t version = cursor.version.load();
  const std::uint64_t frame = cursor.frame.load();
  const std::uint32_t committed = cursor.committed.load()->load(std::memory_order_acquire);
  if ((version & 1) != 0 || cursor.version.load() != version) return Seen::kActive;
  lamella.publish(unpack(frame));
  const std::uint64_t seen = std::uint64_t{version} << 32 | committed;
  if (seen != std::exchange(cursor.seen_by_tick, seen)) return Seen::kActive;
  // The owner's next append announces itself. An exchange: pairs with after_append().
  cursor.limit.exchange(nullptr);
  if (cursor.rested.load(std::memory_order_acquire)) {
    // Then an append raises `limit` before it looks whether it is watched.
    cursor.watched.store(false);
    if (cursor.limit.load() == nullptr) return Seen::kNothing;
    cursor.watched.store(true);
    return Seen::kActive;
  }
  // One that was under way may just have been committed.
  const bool grew = cursor.committed.load()->load() != committed;
  return grew ? Seen::kActive : Seen::kQuiet;
}

base::TickTarget::Seen Sender::tick() noexcept {
  auto most = Seen::kNothing;
  base::Lock lock(mutex_);
  for (const auto& table : tables_)
    for (std::size_t i = 0; i < lamellae::kLanes * table->num_pes; ++i)
      most = std::max(most, tick_cursor(lamella_, table->cursors[i]));
  return most;
}

}  // namespace lamellar::engine

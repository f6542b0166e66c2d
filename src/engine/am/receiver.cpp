#include "engine/am/receiver.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/wire/wire.hpp"
#include "engine/am/engine.hpp"
#include "engine/am/failure.hpp"
#include "engine/am/shared_run.hpp"

namespace lamellar::engine {
namespace {

// In a flood nobody goes idle: report after so many chunks all the same.
constexpr std::uint64_t kReportEvery = 64;

}  // namespace

// The part of one run that lies in this chunk.
struct Receiver::Cut {
  Pe source;
  const std::byte* at;
  const std::byte* end;
  bool counted;                  // its bytes are reported to the sender: see Chunk::eager
  std::uint64_t deferred = 0;
};

Receiver::Receiver(Engine& engine, Pe num_pes, const Assembly::Limits& pieces)
    : engine_(engine), assembly_(pieces), peers_(num_pes) {}

void Receiver::on_chunk(const lamellae::Chunk& chunk) noexcept {
  if (engine_.failed()) return;  // the job ends: what still comes is not run
  const EnterHandler handler(engine_);
  std::uint64_t deferred = 0;
  const char* wrong = nullptr;
  try {
    wrong = chunk.eager ? read_eager(chunk) : read_runs(chunk, deferred);
  } catch (...) {
    return engine_.fail_with(std::current_exception());  // out of memory
  }
  if (wrong != nullptr)
    engine_.fail("a frame from PE " + std::to_string(chunk.source) + " cannot be read: " + wrong);
  if (chunk.lane == lamellae::Lane::kRequest && !chunk.eager) {
    executed(chunk.source, chunk.to - chunk.from - deferred);
    // Rides with the answers when there are any.
    if (engine_.sender().reply_waits(chunk.source)) report_to(chunk.source);
    if (request_chunks_.fetch_add(1) % kReportEvery == kReportEvery - 1) report_executed();
  }
  engine_.sender().flush_replies();
}

const char* Receiver::read_eager(const lamellae::Chunk& chunk) {
  wire::RunHeader run;
  if (chunk.to < sizeof run) return "a run header is cut off";
  std::memcpy(&run, chunk.payload, sizeof run);
  Cut cut{chunk.source, chunk.payload + sizeof run, chunk.payload + chunk.to, false};
  return read_run(cut, run.word);
}

const char* Receiver::read_runs(const lamellae::Chunk& chunk, std::uint64_t& deferred) {
  std::uint32_t at = chunk.from;
  lamellae::RunState& state = *chunk.state;
  while (at < chunk.to) {
    if (state.body == 0) {
      at = static_cast<std::uint32_t>(wire::align8(at));
      if (at + sizeof(wire::RunHeader) > chunk.to) return "a run header is cut off";
      at += sizeof(wire::RunHeader);
      state.body = at;
    }
    auto* const run = reinterpret_cast<wire::RunHeader*>(
        const_cast<std::byte*>(chunk.payload + state.body - sizeof(wire::RunHeader)));
    // Zero until the run is closed: then it reaches to the end of what is committed. The owner
    // closes it before it commits anything behind it.
    const std::uint32_t bytes =
        std::atomic_ref<std::uint32_t>(run->bytes).load(std::memory_order_relaxed);
    if (bytes != 0 && at - state.body >= bytes) {
      state.body = 0;
      continue;
    }
    const std::uint32_t there = chunk.to - at;
    const std::uint32_t length =
        bytes == 0 ? there : std::min(there, bytes - (at - state.body));
    Cut cut{chunk.source, chunk.payload + at, chunk.payload + at + length, true};
    if (const char* wrong = read_run(cut, run->word)) return wrong;
    deferred += cut.deferred;
    at = static_cast<std::uint32_t>(cut.at - chunk.payload);
  }
  return nullptr;
}

const char* Receiver::read_run(Cut& cut, std::uint32_t word) {
  switch (wire::kind_of(word)) {
    case wire::Kind::kDetached:
    case wire::Kind::kRequest:
      return read_messages(cut, word);
    case wire::Kind::kReply:
      return read_answers(cut, false);
    case wire::Kind::kException:
      return read_answers(cut, true);
    case wire::Kind::kFragment:
      return read_fragments(cut);
    case wire::Kind::kControl:
      return read_control(cut);
  }
  return "unknown kind of run";
}

const char* Receiver::read_messages(Cut& cut, std::uint32_t word) {
  const detail::AmType* const type = engine_.types().at(wire::type_of(word));
  if (type == nullptr) return "unknown type of active message";
  detail::RunArgs args;
  args.source = cut.source;
  args.request = wire::kind_of(word) == wire::Kind::kRequest;
  args.counted = cut.counted;
  args.at = cut.at;
  args.end = cut.end;
  execute_shared(engine_, *type, args);
  cut.at = args.at;
  cut.deferred = args.deferred;
  return args.broken ? "a message is cut off" : nullptr;
}

const char* Receiver::read_answers(Cut& cut, bool failed) {
  RequestShelf& shelf = engine_.sender().shelf_of_this_thread();
  while (cut.at != cut.end) {
    detail::SpanReader reader(cut.at, cut.end);
    detail::RequestId id;
    wire::Length length = 0;
    if (!reader.take_value(id) || !reader.take_value(length)) return "an answer is cut off";
    const std::byte* const body = reader.take_view(length);
    if (body == nullptr) return "an answer is cut off";
    cut.at = reader.at;
    detail::SpanReader value(body, body + length);
    // An answer nobody waits for (a request that was failed already) has no effect.
    if (failed)
      engine_.requests().answer(shelf, id, nullptr, decode_failure(value));
    else
      engine_.requests().answer(shelf, id, &value, nullptr);
  }
  engine_.counted();
  return nullptr;
}

const char* Receiver::read_fragments(Cut& cut) {
  while (cut.at != cut.end) {
    detail::SpanReader reader(cut.at, cut.end);
    wire::FragmentHead head;
    if (!reader.take_value(head)) return "a fragment is cut off";
    const std::byte* const piece = reader.take_view(head.length);
    if (piece == nullptr) return "a fragment is cut off";
    cut.at = reader.at;
    cut.deferred += sizeof head + head.length;
    AssembledRecord whole;
    switch (assembly_.add(cut.source, head, piece, whole)) {
      case Assembly::Outcome::kIncomplete:
        break;
      case Assembly::Outcome::kRefused:
        return "a fragment contradicts the others of its message, exceeds LAMELLAR_MAX_AM, or is "
               "of more messages at once than there can be";
      case Assembly::Outcome::kComplete:
        if (const char* wrong = execute_whole(cut.source, whole)) return wrong;
        break;
    }
  }
  return nullptr;
}

const char* Receiver::execute_whole(Pe source, AssembledRecord& whole) {
  const wire::Kind kind = wire::kind_of(whole.word);
  if (kind == wire::Kind::kFragment || kind == wire::Kind::kControl) return "a nested fragment";
  if (whole.size == 0) return "an empty record";
  Cut cut{source, whole.bytes.get(), whole.bytes.get() + whole.size, true};
  const char* const wrong = read_run(cut, whole.word);
  // Its pieces were counted as deferred when they came; a coroutine still runs on.
  const bool request = kind == wire::Kind::kDetached || kind == wire::Kind::kRequest;
  if (request) executed(source, whole.wire_bytes - cut.deferred);
  return wrong;
}

const char* Receiver::read_control(Cut& cut) {
  while (cut.at != cut.end) {
    detail::SpanReader reader(cut.at, cut.end);
    wire::ControlHead head;
    if (!reader.take_value(head)) return "a control record is cut off";
    cut.at = reader.at;
    if (head.what == wire::Control::kExecuted) {
      // wait_all() would wait for ever: it wants both to be equal.
      if (head.a > acknowledged(cut.source) && head.a > engine_.request_bytes_sent(cut.source))
        return "it tells of more bytes executed than were sent";
      acknowledge(cut.source, head.a);
    } else if (const char* wrong = engine_.on_control(cut.source, head)) {
      return wrong;
    }
  }
  return nullptr;
}

void Receiver::acknowledge(Pe destination, std::uint64_t bytes) noexcept {
  auto& acked = peers_[destination].acked;
  std::uint64_t before = acked.load();
  while (before < bytes && !acked.compare_exchange_weak(before, bytes)) {
  }
  engine_.progressed();
}

void Receiver::executed(Pe source, std::uint64_t bytes) noexcept {
  if (bytes == 0) return;
  peers_[source].executed.fetch_add(bytes);
  news_.store(true);
}

void Receiver::report_executed() noexcept {
  if (!news_.exchange(false) || engine_.failed()) return;
  for (Pe pe = 0; pe < peers_.size(); ++pe) report_to(pe);
}

void Receiver::report_to(Pe source) noexcept {
  const std::uint64_t executed = peers_[source].executed.load();
  if (peers_[source].reported.load(std::memory_order_relaxed) == executed ||
      peers_[source].reported.exchange(executed) == executed)
    return;
  if (source == engine_.my_pe()) return acknowledge(source, executed);
  wire::ControlHead head;
  head.what = wire::Control::kExecuted;
  head.a = executed;
  engine_.send_control(source, head);
}

}  // namespace lamellar::engine

#include "engine/am/receiver.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/clock/sim_hook.hpp"
#include "base/wire/wire.hpp"
#include "engine/am/broadcast.hpp"
#include "engine/am/engine.hpp"
#include "engine/am/failure.hpp"
#include "engine/am/shared_run.hpp"

namespace lamellar::engine {
namespace {

// In a flood nobody goes idle: report after so many chunks all the same.
constexpr std::uint64_t kReportEvery = 64;

constexpr const char* kTooMuch = "it tells of more bytes executed than were sent";

}  // namespace

// The part of one run that lies in this chunk.
struct Receiver::Cut {
  Pe source;
  const std::byte* begin;        // of the run: what lies in front of `at` was read before
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
  if (wrong != nullptr) refuse(chunk.source, wrong);
  if (chunk.lane == lamellae::Lane::kRequest && !chunk.eager) {
    executed(chunk.source, chunk.to - chunk.from - deferred);
    // Rides with the answers when there are any.
    if (engine_.sender().reply_waits(chunk.source)) report_to(chunk.source);
    if (request_chunks_.fetch_add(1) % kReportEvery == kReportEvery - 1) report_executed();
  }
  engine_.sender().flush_replies();
}

void Receiver::refuse(Pe source, const char* wrong) noexcept {
  engine_.fail("a frame from PE " + std::to_string(source) + " cannot be read: " + wrong);
}

bool Receiver::tells_too_much(Pe source) noexcept {
  return acknowledged(source) > engine_.request_bytes_sent(source);
}

void Receiver::check_reports() noexcept {
  for (Pe pe = 0; pe < peers_.size(); ++pe)
    if (tells_too_much(pe)) return refuse(pe, kTooMuch);
}

const char* Receiver::read_eager(const lamellae::Chunk& chunk) {
  wire::RunHeader run;
  if (chunk.to < sizeof run) return "a run header is cut off";
  std::memcpy(&run, chunk.payload, sizeof run);
  const std::byte* const begin = chunk.payload + sizeof run;
  Cut cut{chunk.source, begin, begin, chunk.payload + chunk.to, false};
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
    const std::byte* const begin = chunk.payload + at;
    Cut cut{chunk.source, chunk.payload + state.body, begin, begin + length, true};
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
    case wire::Kind::kTree:
      return read_tree(cut, word);
    case wire::Kind::kGroup:
      return read_group(cut, word);
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

const char* Receiver::read_group(Cut& cut, std::uint32_t word) {
  const detail::AmType* const type = engine_.types().at(wire::type_of(word));
  if (type == nullptr) return "unknown type of active message";
  detail::SpanReader run(cut.begin, cut.end);
  detail::RunArgs args;
  args.source = args.owner = cut.source;
  args.counted = cut.counted;
  if (!run.take_value(args.domain) || args.domain == 0) return "a run of no group";
  args.at = std::max(cut.at, run.at);
  args.end = cut.end;
  type->execute(engine_, *type, args);
  cut.at = args.at;
  cut.deferred = args.deferred;
  engine_.record_ended({args.owner, args.domain}, args.records - args.deferred_records);
  return args.broken ? "a message is cut off" : nullptr;
}

// Passed on before it is run: those behind wait. Its bytes count as executed when they are read;
// what says that it has run is its answer, or the end of its record in the sender's domain.
const char* Receiver::read_tree(Cut& cut, std::uint32_t word) {
  const detail::AmType* const type = engine_.types().at(wire::type_of(word));
  if (type == nullptr) return "unknown type of active message";
  while (cut.at != cut.end) {
    detail::SpanReader reader(cut.at, cut.end);
    wire::TreeHead head;
    if (!reader.take_value(head)) return "a message to all is cut off";
    const std::byte* const record = reader.take_view(head.length);
    if (record == nullptr) return "a message to all is cut off";
    cut.at = reader.at;
    const Pe pes = engine_.num_pes();
    if (head.origin >= pes || head.origin == engine_.my_pe() || head.until > pes ||
        head.until <= place_in_ring(engine_.my_pe(), head.origin, pes))
      return "a message to all that this PE has no place in";
    detail::RunArgs args;
    args.source = head.origin;
    args.request = head.domain == 0;
    args.counted = false;
    args.at = record;
    args.end = record + head.length;
    const DomainRef part = pass_on(engine_, cut.source, head, *type, {record, head.length});
    args.owner = part.owner;
    args.domain = part.domain;
    type->execute(engine_, *type, args);
    if (args.broken || args.records != 1) return "a message to all that is not one record";
    if (args.domain != 0)
      engine_.record_ended(part, args.records - args.deferred_records);
  }
  return nullptr;
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
    if (id.slot == AnswerSets::kSlot) [[unlikely]]
      take_one_of_many(cut.source, id, value, failed);
    else if (failed)
      engine_.requests().answer(shelf, id, nullptr, decode_failure(value));
    else
      engine_.requests().answer(shelf, id, &value, nullptr);
  }
  engine_.counted();
  return nullptr;
}

void Receiver::take_one_of_many(Pe source, detail::RequestId id, detail::SpanReader& value,
                                bool failed) {
  if (failed)
    engine_.answer_sets().answer(id, source, nullptr, decode_failure(value));
  else
    engine_.answer_sets().answer(id, source, &value, nullptr);
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
  const std::byte* const begin = whole.bytes.get();
  Cut cut{source, begin, begin, begin + whole.size, true};
  const char* const wrong = read_run(cut, whole.word);
  // Its pieces were counted as deferred when they came; a coroutine still runs on.
  if (wire::is_message(kind)) executed(source, whole.wire_bytes - cut.deferred);
  return wrong;
}

const char* Receiver::read_control(Cut& cut) {
  while (cut.at != cut.end) {
    detail::SpanReader reader(cut.at, cut.end);
    wire::ControlHead head;
    if (!reader.take_value(head)) return "a control record is cut off";
    cut.at = reader.at;
    if (head.what == wire::Control::kExecuted) {
      acknowledge(cut.source, head.a);
      // Whoever waits for quiet would wait for ever; who begins to later looks itself.
      if (engine_.somebody_waits_for_quiet() && tells_too_much(cut.source)) return kTooMuch;
    } else if (head.what == wire::Control::kEnded) {
      if (head.a > ~std::uint32_t{0} ||
          !engine_.domains().ended(static_cast<std::uint32_t>(head.a), head.b))
        return "it tells of messages of a domain that are not under way";
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

void Receiver::ended(DomainRef domain, std::uint64_t records) {
  PeerCount& peer = peers_[domain.owner];
  {
    base::Lock lock(peer.mutex);
    const auto known =
        std::find_if(peer.ended.rbegin(), peer.ended.rend(),
                     [&](const auto& entry) { return entry.first == domain.domain; });
    if (known != peer.ended.rend())
      known->second += records;
    else
      peer.ended.emplace_back(domain.domain, records);
  }
  peer.domain_news.store(true);
  news_.store(true);
}

void Receiver::report_executed() noexcept {
  if (!news_.exchange(false)) return;
  for (Pe pe = 0; pe < peers_.size(); ++pe) report_to(pe);
}

void Receiver::report_domains(Pe source) noexcept {
  PeerCount& peer = peers_[source];
  if (!peer.domain_news.exchange(false)) return;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> ended;
  {
    base::Lock lock(peer.mutex);
    ended.swap(peer.ended);
  }
  if (engine_.failed()) return;  // as in report_to()
  for (const auto& [domain, records] : ended)
    engine_.send_control(source, {wire::Control::kEnded, 0, domain, records});
}

void Receiver::report_to(Pe source) noexcept {
  if (peers_[source].domain_news.load(std::memory_order_relaxed)) report_domains(source);
  const std::uint64_t executed = peers_[source].executed.load();
  base::sim_point();
  // What failed is counted behind that: else a wait for quiet might end before it hears of it.
  if (engine_.failed()) return;
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

#include "engine/am/shared_run.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include <lamellar/detail/codec.hpp>

#include "base/clock/clock.hpp"
#include "base/wire/wire.hpp"
#include "engine/am/engine.hpp"

namespace lamellar::engine {
namespace {

// Between two looks at the clock: so many messages, fewer at first and after slow ones.
constexpr std::uint64_t kMostBetweenLooks = 1024;
// To wake a thread and to move a part there costs a few microseconds.
constexpr std::uint64_t kLongNs = 30'000;

// Bytes of the record at `at`; 0: it does not end before `end`.
std::size_t record_size(const detail::AmType& type, bool request, const std::byte* at,
                        const std::byte* end) noexcept {
  const auto there = static_cast<std::size_t>(end - at);
  std::size_t size = request ? sizeof(wire::RequestId) : 0;
  if (type.fixed != detail::kVariableSize) {
    size += type.fixed;
  } else {
    wire::Length length = 0;
    if (there < size + sizeof length) return 0;
    std::memcpy(&length, at + size, sizeof length);
    size += sizeof length + length;
  }
  return size <= there ? size : 0;
}

// Where the second half of these records begins; `end` when there is no such place.
const std::byte* middle_of(const detail::AmType& type, const detail::RunArgs& args) noexcept {
  const std::byte* const half = args.at + (args.end - args.at) / 2;
  const std::byte* at = args.at;
  while (at < half) {
    const std::size_t size = record_size(type, args.request, at, args.end);
    if (size == 0) return args.end;
    at += size;
  }
  return at;
}

// The part of a run that another thread got, in memory of its own.
struct Part : detail::Job {
  Part(Engine& on, const detail::AmType& of, const detail::RunArgs& from, const std::byte* begin)
      : Job(&start),
        engine(on),
        type(of),
        size(static_cast<std::size_t>(from.end - begin)),
        bytes(new std::byte[size]) {
    std::memcpy(bytes.get(), begin, size);
    run.source = from.source;
    run.request = from.request;
    run.at = bytes.get();
    run.end = run.at + size;
  }
  static void start(Job* job) noexcept {
    const std::unique_ptr<Part> part(static_cast<Part*>(job));
    part->execute();
  }
  void execute() noexcept {
    if (engine.failed()) return;  // the job ends: what is left is not run
    const EnterHandler handler(engine);
    try {
      execute_shared(engine, type, run);
    } catch (...) {
      return engine.fail_with(std::current_exception());  // out of memory
    }
    if (run.broken) return engine.receiver().refuse(run.source, "a message is cut off");
    engine.receiver().executed(run.source, size - run.deferred);
    engine.sender().flush_replies();
  }

  Engine& engine;
  const detail::AmType& type;
  const std::size_t size;
  const std::unique_ptr<std::byte[]> bytes;
  detail::RunArgs run;
};

void give_half(Engine& engine, const detail::AmType& type, detail::RunArgs& args) {
  const std::byte* const middle = middle_of(type, args);
  if (middle == args.end || middle == args.at) return;
  auto part = std::make_unique<Part>(engine, type, args, middle);
  args.deferred += part->size;
  args.end = middle;
  engine.scheduler().submit(*part.release());
}

}  // namespace

void execute_shared(Engine& engine, const detail::AmType& type, detail::RunArgs& args) {
  // One that came in an eager slot is alone.
  if (!args.counted || !engine.scheduler().has_company()) return type.execute(engine, type, args);
  const std::byte* const all = args.end;
  std::uint64_t since = base::now_ns();
  args.most = 1;
  for (;;) {
    type.execute(engine, type, args);
    if (args.broken) return;
    if (args.at == args.end) break;
    const std::uint64_t now = base::now_ns();
    if (now - std::exchange(since, now) < kLongNs) {
      args.most = std::min(2 * args.most, kMostBetweenLooks);
      continue;
    }
    args.most = 1;
    if (engine.scheduler().anybody_idle()) give_half(engine, type, args);
  }
  args.at = all;
}

}  // namespace lamellar::engine

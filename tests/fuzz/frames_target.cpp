// What a receiver reads, as lamellae hand it up. An input is a list of deliveries:
//   flags (1 byte), size (2 bytes), so many bytes
// flags: which of 4 frames (kFrame), begin that frame anew (kFresh), the lane of replies (kReply),
// an eager record (kEager), the bytes begin with an amendment: an offset and a word to put there,
// where the frame was delivered before (kAmend).
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <lamellar/am.hpp>
#include <lamellar/error.hpp>

#include "base/helper/helper.hpp"
#include "base/log/log.hpp"
#include "engine/am/engine.hpp"
#include "engine/coll/barrier.hpp"
#include "fuzz/target.hpp"
#include "lamellae/local/local_job.hpp"
#include "unit/base/serial/types.hpp"

namespace lamellar::fuzz {
namespace {

using engine::Engine;
using lamellae::Lane;

// --- the types that a receiver knows -----------------------------------------------------------

struct Add {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value + 1; }
};
LAMELLAR_FIELDS(Add, value);

struct Texts {
  std::string text;
  std::vector<std::uint32_t> numbers;
  std::map<std::string, std::vector<std::string>> lists;
  std::vector<std::string> exec(Context&) const { return {text, std::to_string(numbers.size())}; }
};
LAMELLAR_FIELDS(Texts, text, numbers, lists);

struct Nested {
  std::optional<std::variant<int, std::string, std::vector<bool>>> maybe;
  std::vector<serial_test::Person> persons;
  serial_test::Tree tree;
  void exec(Context&) const {}
};
LAMELLAR_FIELDS(Nested, maybe, persons, tree);

struct Throws {
  std::uint8_t way;
  std::string text;
  int exec(Context&) const {
    if (way == 1) throw std::runtime_error(text);
    if (way == 2) throw 7;
    return way;
  }
};
LAMELLAR_FIELDS(Throws, way, text);

struct Later {
  std::uint64_t value;
  std::string text;
  Task<std::string> exec(Context&) const { co_return text + std::to_string(value); }
};
LAMELLAR_FIELDS(Later, value, text);

struct Empty {
  void exec(Context&) const {}
};
LAMELLAR_FIELDS(Empty);

template <class AM>
constexpr std::uint32_t kFixed = trivial_wire<AM> ? static_cast<std::uint32_t>(sizeof(AM))
                                                  : detail::kVariableSize;

// One array, so that the numbers of the types are their places whatever compiles this.
constinit detail::AmType g_types[] = {
    {"Add", kFixed<Add>, &detail::execute_run<Add>},
    {"Texts", kFixed<Texts>, &detail::execute_run<Texts>},
    {"Nested", kFixed<Nested>, &detail::execute_run<Nested>},
    {"Throws", kFixed<Throws>, &detail::execute_run<Throws>},
    {"Later", kFixed<Later>, &detail::execute_run<Later>},
    {"Empty", kFixed<Empty>, &detail::execute_run<Empty>},
};
enum Number : std::uint32_t { kAdd, kTexts, kNested, kThrows, kLater, kEmpty, kUnknown };

engine::TypeSnapshot types() {
  for (detail::AmType& type : g_types) detail::register_am_type(type);
  engine::TypeSnapshot snapshot = engine::TypeSnapshot::take();
  for (std::uint32_t i = 0; i < std::size(g_types); ++i)
    require(snapshot.at(i) == &g_types[i], "the types have other numbers than the corpus");
  return snapshot;
}

// --- the receiver -------------------------------------------------------------------------------

constexpr std::uint32_t kFrameBytes = 64 << 10;
constexpr std::uint32_t kPool = 64;
constexpr std::uint64_t kMaxRecord = 8 << 20;

struct Nobody final : lamellae::FrameSink {
  void on_chunk(const lamellae::Chunk&) noexcept override {}
};

// PE 0 of 2. PE 1 takes what it is sent, and is otherwise the bytes of the input.
class House {
 public:
  House()
      : job_(std::make_shared<lamellae::LocalJob>(2, kFrameBytes, kPool)),
        other_(job_->lamella(1)),
        engine_(options(), job_->lamella(0), types()),
        barrier_(engine_) {
    engine_.start();
    ask<std::uint64_t>();
    ask<std::vector<std::string>>();
    ask<serial_test::Person>();
    ask<void>();
    static_cast<void>(barrier_.begin(engine::Barrier::Channel::kUser, 0, 0, {}));
    settle();
  }
  ~House() {
    engine_.stop();
    settle();
  }

  void deliver(const lamellae::Chunk& chunk) {
    engine_.receiver().on_chunk(chunk);
    settle();
    if (engine_.failed()) check_failure();
  }

 private:
  static engine::EngineOptions options() {
    engine::EngineOptions options;
    options.max_record = kMaxRecord;
    options.on_error = [](std::exception_ptr) {};  // a message that cannot be decoded, or throws
    return options;
  }
  // A request that waits for its answer, under the next slot.
  template <class R>
  void ask() {
    auto* const state = detail::new_state<R>(engine_.scheduler(), "an answer", 1, {});
    detail::open_request(engine_, *state, &detail::arrive_one<R>);
    state->release();
  }
  void settle() {
    for (int i = 0; i < 4; ++i) {
      engine_.scheduler().work_once();
      while (other_->poll(nobody_)) {
      }
    }
  }
  void check_failure() {
    try {
      engine_.throw_failure();
    } catch (const JobFailed& failed) {
      const std::string_view text = failed.what();
      require(text.find("a frame from PE 1 cannot be read: ") != std::string_view::npos,
              "the job failed, and not because a frame cannot be read");
    }
  }

  // One for all runs: a thread.
  static std::shared_ptr<base::Helper> shared_helper() {
    static const std::shared_ptr<base::Helper> helper = base::Helper::shared();
    return helper;
  }
  const std::shared_ptr<base::Helper> helper_ = shared_helper();
  Nobody nobody_;
  std::shared_ptr<lamellae::LocalJob> job_;
  std::unique_ptr<lamellae::Lamella> other_;
  Engine engine_;
  engine::Barrier barrier_;
};

// --- the input ----------------------------------------------------------------------------------

enum Flag : std::uint8_t { kFrame = 3, kFresh = 4, kReply = 8, kEager = 16, kAmend = 32 };

struct Frame {
  std::vector<std::uint8_t> payload;
  Lane lane = Lane::kRequest;
  lamellae::RunState run;
};

// Bytes of just that length, so that a sanitizer sees who reads past them.
void deliver(House& house, Frame& frame, std::size_t from, bool eager) {
  if (from == frame.payload.size()) return;
  const auto exact = std::make_unique<std::uint8_t[]>(frame.payload.size());
  std::copy(frame.payload.begin(), frame.payload.end(), exact.get());
  house.deliver({1, frame.lane, reinterpret_cast<const std::byte*>(exact.get()),
                 static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(frame.payload.size()),
                 &frame.run, eager});
}

void amend(Frame& frame, View bytes) {
  std::uint32_t at = 0;
  std::memcpy(&at, bytes.data(), sizeof at);
  at -= at % 4;
  if (std::uint64_t{at} + 4 <= frame.payload.size())
    std::memcpy(frame.payload.data() + at, bytes.data() + 4, 4);
}

void run(View input) {
  base::set_log_sink([](base::LogLevel, std::string_view) {});
  House house;
  Frame frames[4];
  const MemoryLimit limit(input.size());
  while (input.size() >= 3) {
    const std::uint8_t flags = input[0];
    const std::size_t asked = input[1] | std::size_t{input[2]} << 8;
    View bytes = input.subspan(3, std::min(asked, input.size() - 3));
    input = input.subspan(3 + bytes.size());
    Frame once;
    Frame& frame = (flags & kEager) != 0 ? once : frames[flags & kFrame];
    if ((flags & kFresh) != 0 || frame.payload.empty()) {
      frame = {};
      frame.lane = (flags & kReply) != 0 ? Lane::kReply : Lane::kRequest;
    }
    if ((flags & kAmend) != 0 && bytes.size() >= 8) {
      amend(frame, bytes);
      bytes = bytes.subspan(8);
    }
    const std::size_t from = frame.payload.size();
    const std::size_t most = (flags & kEager) != 0 ? 112 : kFrameBytes;
    frame.payload.insert(frame.payload.end(), bytes.begin(),
                         bytes.begin() + static_cast<long>(std::min(bytes.size(), most - from)));
    deliver(house, frame, from, (flags & kEager) != 0);
    limit.check();
  }
}

// --- inputs that are in order -------------------------------------------------------------------

// Writes what a sender would.
class Writer {
 public:
  // A run's header; the run before it is closed.
  Writer& run(std::uint32_t type, wire::Kind kind) {
    close();
    frame_.resize(wire::align8(frame_.size()));
    header_ = frame_.size();
    put(wire::RunHeader{wire::word_of(type, kind), 0});
    return *this;
  }
  template <class T>
  Writer& put(const T& value) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&value);
    frame_.insert(frame_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  Writer& body(const auto& value, bool with_length = true) {
    const std::vector<std::byte> bytes = serial_test::bytes_of(value);
    if (with_length) put(static_cast<wire::Length>(bytes.size()));
    return raw(bytes.data(), bytes.size());
  }
  Writer& raw(const void* from, std::size_t size) {
    const auto* const bytes = static_cast<const std::uint8_t*>(from);
    frame_.insert(frame_.end(), bytes, bytes + size);
    return *this;
  }
  void close() {
    if (frame_.empty()) return;
    const auto bytes =
        static_cast<std::uint32_t>(frame_.size() - header_ - sizeof(wire::RunHeader));
    std::memcpy(frame_.data() + header_ + 4, &bytes, sizeof bytes);
  }
  // What was written since the last delivery goes on its way.
  Writer& deliver(std::uint8_t flags) {
    const std::size_t size = frame_.size() - delivered_;
    input_.insert(input_.end(), {flags, static_cast<std::uint8_t>(size),
                                 static_cast<std::uint8_t>(size >> 8)});
    input_.insert(input_.end(), frame_.begin() + static_cast<long>(delivered_), frame_.end());
    delivered_ = frame_.size();
    return *this;
  }
  // The next delivery begins another frame.
  Writer& next_frame() {
    frame_.clear();
    delivered_ = header_ = 0;
    return *this;
  }
  Bytes input() const { return input_; }

 private:
  Bytes frame_;
  Bytes input_;
  std::size_t header_ = 0;
  std::size_t delivered_ = 0;
};

Texts texts() { return {"text", {1, 2, 3}, {{"k", {"a", "b"}}, {"l", {}}}}; }
Nested nested() {
  return {std::string("v"), {{"Ann", {1, 2, 3}, true, {{1, 2}}}}, {1, {{2, {}}, {3, {}}}}};
}
constexpr wire::RequestId kId{0, 1};

Bytes one_of_each_type() {
  Writer to;
  to.run(kAdd, wire::Kind::kDetached).put(Add{1}).put(Add{2}).put(Add{3});
  to.run(kTexts, wire::Kind::kDetached).body(texts()).body(texts());
  to.run(kNested, wire::Kind::kDetached).body(nested());
  to.run(kEmpty, wire::Kind::kDetached).body(Empty{});
  to.run(kLater, wire::Kind::kDetached).body(Later{1, "x"});
  to.run(kThrows, wire::Kind::kDetached).body(Throws{1, "why"}).body(Throws{2, ""});
  return to.deliver(kFresh).input();
}

Bytes requests_in_pieces() {
  Writer to;
  to.run(kAdd, wire::Kind::kRequest).put(kId).put(Add{1}).deliver(kFresh);
  to.put(kId).put(Add{2}).deliver(0);
  to.run(kTexts, wire::Kind::kRequest).put(kId).body(texts()).deliver(0);
  to.run(kThrows, wire::Kind::kRequest).put(kId).body(Throws{1, "why"}).deliver(0);
  return to.put(kId).body(Throws{3, ""}).deliver(0).input();
}

Bytes answers() {
  Writer to;
  to.run(0, wire::Kind::kReply).put(wire::RequestId{0, 1}).body(std::uint64_t{7});
  to.put(wire::RequestId{1, 1}).body(std::vector<std::string>{"a", "b"});
  to.put(wire::RequestId{3, 1}).put(wire::Length{0});
  to.run(0, wire::Kind::kException).put(wire::RequestId{2, 1});
  Writer text;
  for (const char* part : {"std::runtime_error", "why", "Add"})
    text.put(static_cast<std::uint32_t>(std::strlen(part))).raw(part, std::strlen(part));
  text.put(std::uint32_t{1});
  const Bytes failure = text.deliver(0).input();
  to.put(static_cast<wire::Length>(failure.size() - 3)).raw(failure.data() + 3, failure.size() - 3);
  return to.deliver(kFresh | kReply).input();
}

Bytes control() {
  Writer to;
  to.run(0, wire::Kind::kControl).put(wire::ControlHead{wire::Control::kExecuted, 0, 0, 0});
  to.put(wire::ControlHead{wire::Control::kBarrier, 0, 4 << 8 | 0, 1});
  to.deliver(kFresh | kReply).next_frame();
  to.run(0, wire::Kind::kControl).put(wire::ControlHead{wire::Control::kBarrier, 0, 8 << 8 | 0, 1});
  to.deliver(kEager | kReply).next_frame();
  // More than was sent: refused.
  to.run(0, wire::Kind::kControl).put(wire::ControlHead{wire::Control::kExecuted, 0, 100, 0});
  to.deliver(kEager | kReply).next_frame();
  // So is the end of records of a domain that there is not.
  to.run(0, wire::Kind::kControl).put(wire::ControlHead{wire::Control::kEnded, 0, 7, 1});
  return to.deliver(kEager | kReply).input();
}

// Messages to all, from the only other PE: detached ones, whose end it is told, and a request.
Bytes to_all() {
  Writer to;
  wire::TreeHead head{1, 2, 5, sizeof(Add)};
  to.run(kAdd, wire::Kind::kTree).put(head).put(Add{1});
  head.domain = 0;
  head.length = sizeof kId + sizeof(Add);
  to.put(head).put(kId).put(Add{2}).deliver(kFresh);
  const std::vector<std::byte> later = serial_test::bytes_of(Later{1, "x"});
  head.domain = 6;
  head.length = static_cast<wire::Length>(sizeof head.length + later.size());
  to.run(kLater, wire::Kind::kTree).put(head).body(Later{1, "x"});
  return to.deliver(0).input();
}

// Runs of groups: plain ones in two pieces, one that may suspend, one of no group.
Bytes of_groups() {
  Writer to;
  to.run(kAdd, wire::Kind::kGroup).put(std::uint32_t{3}).put(Add{1}).deliver(kFresh);
  to.put(Add{2}).put(Add{3}).deliver(0);
  to.run(kLater, wire::Kind::kGroup).put(std::uint32_t{4}).body(Later{1, "x"}).deliver(0);
  to.run(kTexts, wire::Kind::kGroup).put(std::uint32_t{0}).body(texts());
  return to.deliver(0).input();
}

// A record of three pieces, one piece a frame, in the order of `order`.
Bytes fragments(const int (&order)[3]) {
  Writer record;
  record.body(Texts{std::string(60, 'x'), {1, 2, 3}, {{"k", {"a"}}}});
  const Bytes whole = record.deliver(0).input();
  const std::size_t total = whole.size() - 3;
  const std::size_t each = (total + 2) / 3;
  Writer to;
  for (const int i : order) {
    const std::size_t offset = each * static_cast<std::size_t>(i);
    wire::FragmentHead head;
    head.message = 1;
    head.total = total;
    head.offset = offset;
    head.length = static_cast<std::uint32_t>(std::min(each, total - offset));
    head.word = wire::word_of(kTexts, wire::Kind::kDetached);
    to.run(0, wire::Kind::kFragment).put(head).raw(whole.data() + 3 + offset, head.length);
    to.deliver(kFresh).next_frame();
  }
  return to.input();
}

std::vector<Bytes> examples() {
  return {one_of_each_type(),   requests_in_pieces(),  answers(), control(), to_all(), of_groups(),
          fragments({0, 1, 2}), fragments({2, 0, 1})};
}

}  // namespace

const Target kFrames = {"frames", &run, &examples};

}  // namespace lamellar::fuzz

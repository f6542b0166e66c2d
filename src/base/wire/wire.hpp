#pragma once
// Every byte layout that leaves a PE, and nothing else. docs/wire.md explains it.
// All numbers are little-endian; a big-endian build is refused at compile time.
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lamellar::wire {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

inline constexpr std::uint32_t kFrameMagic = 0x4d414c4cu;  // "LLAM"
inline constexpr std::uint16_t kWireVersion = 1;

// At the start of every frame.
struct FrameHeader {
  std::uint32_t magic = kFrameMagic;
  std::uint16_t version = kWireVersion;
  std::uint16_t lane = 0;       // 0 requests, 1 replies and control
  std::uint32_t length = 0;     // bytes of payload behind this header; 0 while the frame is open
  std::uint32_t source = 0;     // PE
  std::uint64_t job_nonce = 0;  // the same on all PEs of a job, unguessable
  std::uint64_t reserved = 0;   // will carry the authentication tag
};
static_assert(sizeof(FrameHeader) == 32 && alignof(FrameHeader) == 8);

enum class Message : std::uint16_t {
  kFrame = 0,   // a frame, or a piece of one
  kHello = 1,   // the first one to a PE
  kCredit = 2,  // only what every message tells: `consumed`
  kBye = 3,     // the last one to a PE
};

// At the start of every message of a network lamella; the payload, if any, lies behind it.
struct MessageHead {
  FrameHeader frame;           // length: bytes of payload in this message
  Message kind = Message::kFrame;
  std::uint16_t last = 0;      // 1: the frame ends with this message
  std::uint32_t destination = 0;
  std::uint32_t stream = 0;    // 0: the whole frame; else the same for all pieces of a frame
  std::uint32_t from = 0;      // where in its frame the payload belongs; of kBye: frames sent
  // In front of `from` one place may have changed since it was sent: the bytes of a run, by the
  // offset of its header (RunHeader). kNothing: none has.
  std::uint32_t amend_at = 0;
  std::uint32_t amend = 0;
  // Frames of the destination that the source has consumed so far, by lane, modulo 2^32.
  std::uint32_t consumed[2] = {0, 0};
};
static_assert(sizeof(MessageHead) == 64);
inline constexpr std::uint32_t kNothing = ~std::uint32_t{0};

// What a run (consecutive records of one type) carries.
enum class Kind : std::uint32_t {
  kDetached = 0,   // record: [Length] body
  kRequest = 1,    // record: RequestId [Length] body
  kReply = 2,      // record: RequestId Length body
  kException = 3,  // record: RequestId Length, four encoded fields: type, what, AM, PE
  kFragment = 4,   // record: FragmentHead bytes
  kControl = 5,    // record: ControlHead
  kTree = 6,       // record: TreeHead, then a record of kDetached or kRequest
  kGroup = 8,      // the run begins with the number of a domain of its sender; record: kDetached
};

// Whose end the sender knows by bytes alone: such records travel in frames.
constexpr bool counts_bytes(Kind kind) {
  static_assert(static_cast<std::uint32_t>(Kind::kDetached) == 0 &&
                static_cast<std::uint32_t>(Kind::kGroup) == 8);
  return (static_cast<std::uint32_t>(kind) & 7) == 0;
}
// Carries active messages: travels in the request lane, and its bytes are counted.
constexpr bool is_message(Kind kind) {
  return kind == Kind::kDetached || kind == Kind::kRequest || kind == Kind::kTree ||
         kind == Kind::kGroup;
}

// In front of every run; aligned to 8 within the frame. `word` = type index << 4 | kind.
// `bytes` is written when the run ends; 0 means it reaches to the committed end of the frame.
struct RunHeader {
  std::uint32_t word = 0;
  std::uint32_t bytes = 0;  // of the records behind this header
};
static_assert(sizeof(RunHeader) == 8 && alignof(RunHeader) == 4);

inline constexpr std::uint32_t kKindBits = 4;
inline constexpr std::uint32_t kMaxTypes = 1u << (32 - kKindBits);
constexpr std::uint32_t word_of(std::uint32_t type, Kind kind) {
  return type << kKindBits | static_cast<std::uint32_t>(kind);
}
constexpr std::uint32_t type_of(std::uint32_t word) { return word >> kKindBits; }
constexpr Kind kind_of(std::uint32_t word) {
  return static_cast<Kind>(word & ((1u << kKindBits) - 1));
}

// Names a pending request of the PE that sent it; a late reply hits nobody.
struct RequestId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};
static_assert(sizeof(RequestId) == 8);

// Body length of records of variable size.
using Length = std::uint32_t;

// A piece of a record that does not fit a frame; `word` is that of the whole record's run.
struct FragmentHead {
  std::uint64_t message = 0;  // unique per source
  std::uint64_t total = 0;    // bytes of the whole record
  std::uint64_t offset = 0;
  std::uint32_t length = 0;   // bytes in this piece
  std::uint32_t word = 0;
};
static_assert(sizeof(FragmentHead) == 32);

// In front of a message to all PEs. They form a ring that begins at `origin`; whoever gets this
// runs the message, and sends it on to the PEs behind itself in the ring, up to place `until`.
struct TreeHead {
  std::uint32_t origin = 0;
  std::uint32_t until = 0;
  // Domain of the sender in which the end of it all is one record. 0: the record is a request,
  // whose answers go to `origin`.
  std::uint32_t domain = 0;
  Length length = 0;  // of the record behind this head
};
static_assert(sizeof(TreeHead) == 16);

enum class Control : std::uint32_t {
  kExecuted = 1,  // a: request bytes of yours executed here so far (cumulative)
  kBarrier = 2,   // a: (sequence << 2 | channel) << 8 | round, b: carried value
  kEnded = 3,     // a: a domain of yours, b: so many more of its records have ended here
};

struct ControlHead {
  Control what = Control::kExecuted;
  std::uint32_t reserved = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};
static_assert(sizeof(ControlHead) == 24);

constexpr std::size_t align8(std::size_t n) { return (n + 7) & ~std::size_t{7}; }

// Where the run stands that is open at `committed`, given the header of it or of an earlier run:
// the bytes in front of `committed` never change again, but for that header. THREADS: while the
// owner appends. Also for payloads that are no runs: then the result is some offset < committed.
std::uint32_t open_run(const std::byte* payload, std::uint32_t header,
                       std::uint32_t committed) noexcept;

// Empty when the header is one of this job's; else what is wrong with it.
const char* fault_of(const FrameHeader& header, std::uint64_t job_nonce, std::uint32_t num_pes,
                     std::size_t capacity) noexcept;

}  // namespace lamellar::wire

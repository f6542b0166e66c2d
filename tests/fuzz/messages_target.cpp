// What comes from a network: heads, pieces of frames, credit. An input is a list of messages:
//   flags (1 byte), size (2 bytes), so many bytes
// flags: the head gets what every message of this job has (kOfThisJob) and a length that is right
// (kRightLength); PE 1 sends a frame first, whose credit may come back (kSendFirst).
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>

#include "base/helper/helper.hpp"
#include "base/log/log.hpp"
#include "base/wire/wire.hpp"
#include "fuzz/target.hpp"
#include "lamellae/local/local_job.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"
#include "support/memory_network.hpp"

namespace lamellar::fuzz {
namespace {

using lamellae::Chunk;
using lamellae::Lane;

constexpr std::uint32_t kFrameBytes = 1024;
constexpr std::uint64_t kNonce = 4711;
constexpr std::size_t kHead = sizeof(wire::MessageHead);

// Every byte that is handed up can be read, and each one once.
class Reader final : public lamellae::FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    require(chunk.from < chunk.to && chunk.to <= kFrameBytes, "a chunk beyond its frame");
    require(chunk.state->body == chunk.from, "a chunk begins where none ended");
    chunk.state->body = chunk.to;
    for (std::uint32_t i = 0; i < chunk.to; ++i)
      sum_ += std::to_integer<unsigned>(chunk.payload[i]);
    sink_.store(sum_, std::memory_order_relaxed);
  }

 private:
  unsigned sum_ = 0;
  std::atomic<unsigned> sink_{0};  // so that the bytes are read
};

// PE 1 of 2; what comes from PE 0 is the input.
class House {
 public:
  House() : network_(testing_support::MemoryNetwork::create({.first_refused = 0})) {
    lamellae::OfiOptions options;
    auto other = network_->open(kFrameBytes);
    auto mine = network_->open(kFrameBytes);
    options.my_pe = 1;
    options.addresses = {other->address(), mine->address()};
    options.hosts = {"host0", "host1"};
    options.frame_bytes = kFrameBytes;
    options.pool_frames = 16;
    options.job_nonce = kNonce;
    home_ = job_->lamella(0);
    options.home = home_.get();
    options.fail = [](Pe, const std::string&) {};
    lamella_ = lamellae::make_ofi_lamella(std::move(mine), options);
  }

  void take(const std::string& message) {
    network_->inject(1, message);
    poll();
  }
  void send() {
    lamellae::OpenFrame frame;
    if (!lamella_->try_open(0, Lane::kRequest, frame)) return;
    std::memset(frame.payload, 0, 8);
    frame.committed->store(8, std::memory_order_release);
    lamella_->seal(frame);
    poll();
  }

 private:
  void poll() {
    for (int i = 0; i < 4; ++i) lamella_->poll(reader_);
  }

  // One for all runs: a thread.
  const std::shared_ptr<base::Helper> helper_ = shared_helper();
  static std::shared_ptr<base::Helper> shared_helper() {
    static const std::shared_ptr<base::Helper> helper = base::Helper::shared();
    return helper;
  }
  Reader reader_;
  std::shared_ptr<testing_support::MemoryNetwork> network_;
  std::shared_ptr<lamellae::LocalJob> job_ =
      std::make_shared<lamellae::LocalJob>(1, kFrameBytes, 4);
  std::unique_ptr<lamellae::Lamella> home_;
  std::unique_ptr<lamellae::Lamella> lamella_;
};

enum Flag : std::uint8_t { kOfThisJob = 1, kRightLength = 2, kSendFirst = 4 };

void mend(std::string& message, std::uint8_t flags) {
  if (message.size() < kHead) return;
  wire::MessageHead head;
  std::memcpy(&head, message.data(), kHead);
  if ((flags & kOfThisJob) != 0) {
    head.frame.magic = wire::kFrameMagic;
    head.frame.version = wire::kWireVersion;
    head.frame.source = 0;
    head.frame.job_nonce = kNonce;
    head.destination = 1;
  }
  if ((flags & kRightLength) != 0) {
    message.resize(kHead + wire::align8(message.size() - kHead));
    head.frame.length = static_cast<std::uint32_t>(message.size() - kHead);
  }
  std::memcpy(message.data(), &head, kHead);
}

void run(View input) {
  base::set_log_sink([](base::LogLevel, std::string_view) {});
  House house;
  const MemoryLimit limit(input.size());
  while (input.size() >= 3) {
    const std::uint8_t flags = input[0];
    const std::size_t asked = input[1] | std::size_t{input[2]} << 8;
    const View bytes = input.subspan(3, std::min(asked, input.size() - 3));
    input = input.subspan(3 + bytes.size());
    // A network hands over nothing longer than was agreed on.
    std::string message(reinterpret_cast<const char*>(bytes.data()),
                        std::min<std::size_t>(bytes.size(), kFrameBytes));
    mend(message, flags);
    if ((flags & kSendFirst) != 0) house.send();
    house.take(message);
    limit.check();
  }
}

void add(Bytes& input, std::uint8_t flags, const wire::MessageHead& head, std::size_t payload) {
  const std::size_t size = kHead + payload;
  input.insert(input.end(), {flags, static_cast<std::uint8_t>(size),
                             static_cast<std::uint8_t>(size >> 8)});
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&head);
  input.insert(input.end(), bytes, bytes + kHead);
  input.insert(input.end(), payload, 'x');
}

wire::MessageHead head_of(wire::Message kind) {
  wire::MessageHead head;
  head.kind = kind;
  head.last = 1;
  head.destination = 1;
  head.amend_at = wire::kNothing;
  return head;
}

Bytes whole_frames() {
  Bytes input;
  for (const std::size_t size : {8u, 24u, 0u, 960u})
    add(input, kOfThisJob | kRightLength, head_of(wire::Message::kFrame), size);
  return input;
}

Bytes pieces() {
  Bytes input;
  wire::MessageHead head = head_of(wire::Message::kFrame);
  head.stream = 5;
  for (const std::uint32_t from : {64u, 0u, 32u}) {
    head.from = from;
    head.last = from == 64;
    head.amend_at = from == 0 ? wire::kNothing : 0;
    head.amend = 24;
    add(input, kOfThisJob | kRightLength, head, 32);
  }
  return input;
}

Bytes notes() {
  Bytes input;
  add(input, kOfThisJob | kRightLength, head_of(wire::Message::kHello), 0);
  wire::MessageHead head = head_of(wire::Message::kCredit);
  head.consumed[0] = 1;
  add(input, kOfThisJob | kRightLength | kSendFirst, head, 0);
  head.consumed[0] = 2;
  add(input, kOfThisJob | kRightLength | kSendFirst, head, 0);
  head.kind = wire::Message::kBye;
  head.from = 0;
  add(input, kOfThisJob | kRightLength, head, 0);
  return input;
}

std::vector<Bytes> examples() { return {whole_frames(), pieces(), notes()}; }

}  // namespace

const Target kMessages = {"messages", &run, &examples};

}  // namespace lamellar::fuzz

#include "conformance/records.hpp"

#include "base/clock/rng.hpp"

namespace lamellar::conformance {
namespace {

std::uint64_t sum_of(const RecordHead& head, const std::byte* body) {
  std::uint64_t sum = 0xcbf29ce484222325u ^ head.number << 20 ^ head.source << 8 ^ head.size;
  for (std::size_t i = 0; i < head.size - sizeof head; ++i)
    sum = (sum ^ static_cast<std::uint64_t>(body[i])) * 0x100000001b3u;
  return sum;
}

}  // namespace

void write_pattern(std::byte* to, std::size_t size, std::uint64_t seed) {
  base::Rng rng(seed * 0x2545f4914f6cdd1du + 1);
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = rng.next();
    std::memcpy(to + i, &word, std::min(sizeof word, size - i));
  }
}

bool is_pattern(const std::byte* at, std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> wanted(size);
  write_pattern(wanted.data(), size, seed);
  return size == 0 || std::memcmp(at, wanted.data(), size) == 0;
}

void write_record(std::byte* to, std::uint32_t size, Pe source, std::uint64_t number) {
  RecordHead head{size, source, number, 0};
  write_pattern(to + sizeof head, size - sizeof head, number << 8 | source);
  head.sum = sum_of(head, to + sizeof head);
  std::memcpy(to, &head, sizeof head);
}

Ledger::Ledger(const std::vector<std::uint64_t>& expected) {
  for (const std::uint64_t count : expected) {
    sources_.push_back({std::make_unique<std::atomic<bool>[]>(count), count});
    left_ += count;
  }
  if (left_.load() == 0) over_.store(1);
}

void Ledger::complain(const std::string& what) noexcept {
  const base::Lock lock(mutex_);
  if (complaint_.empty()) complaint_ = what;
  end();
}

void Ledger::end() noexcept {
  over_.store(1);
  base::futex_wake(over_, INT32_MAX);
  taken_.fetch_add(1);
  base::futex_wake(taken_, INT32_MAX);
}

void Ledger::wait() noexcept {
  while (over_.load() == 0) base::futex_wait(over_, 0);
}

std::string Ledger::complaint() const {
  const base::Lock lock(mutex_);
  return complaint_;
}

void Ledger::on_chunk(const lamellae::Chunk& chunk) noexcept {
  chunks_.fetch_add(1);
  bytes_.fetch_add(chunk.to - chunk.from);
  if (chunk.from >= chunk.to) complain("a chunk without bytes");
  // The state is ours and belongs to this frame: zeros first, then what the last chunk left.
  if (chunk.state->body != chunk.from)
    complain("a chunk from " + std::to_string(chunk.from) + " after one to " +
             std::to_string(chunk.state->body));
  chunk.state->body = chunk.to;
  base::sim_point();  // another thread may do something while we read
  std::uint32_t at = chunk.from;
  while (at < chunk.to) {
    const std::uint32_t size = take(chunk, at);
    if (size == 0) return;
    at += size;
  }
}

std::uint32_t Ledger::take(const lamellae::Chunk& chunk, std::uint32_t at) noexcept {
  RecordHead head;
  if (at + sizeof head > chunk.to) return complain("a record's head is cut off"), 0;
  std::memcpy(&head, chunk.payload + at, sizeof head);
  if (head.size < sizeof head || head.size > chunk.to - at)
    return complain("a record is cut off, or not one: size " + std::to_string(head.size)), 0;
  if (head.sum != sum_of(head, chunk.payload + at + sizeof head))
    return complain("a record's bytes are not what was sent"), 0;
  if (head.source != chunk.source || head.source >= sources_.size())
    return complain("a record of another PE"), 0;
  Source& source = sources_[head.source];
  if (head.number >= source.expected) return complain("a record nobody sent"), 0;
  if (source.seen[head.number].exchange(true))
    return complain("record " + std::to_string(head.number) + " came twice"), 0;
  if (left_.fetch_sub(1) == 1) end();
  taken_.fetch_add(1);
  if (watched_.load()) base::futex_wake(taken_, INT32_MAX);
  return head.size;
}

void Ledger::wait_until(std::uint64_t left) noexcept {
  watched_.store(true);
  for (;;) {
    const std::uint32_t seen = taken_.load();
    if (left_.load() <= left || over_.load() != 0) break;
    base::futex_wait(taken_, seen);
  }
  watched_.store(false);
}

bool Writer::append(std::uint32_t size, std::uint64_t number) {
  if (open_ && size > frame_.capacity - used_) seal();
  if (!open_) {
    if (!via_.try_open(destination_, lane_, frame_)) return false;
    open_ = true;
    used_ = 0;
    ++opened_;
    last_.store(std::uint64_t{frame_.ref.life} << 32 | frame_.ref.index);
  }
  write_record(frame_.payload + used_, size, via_.my_pe(), number);
  used_ += size;
  bytes_ += size;
  frame_.committed->store(used_, std::memory_order_release);
  return true;
}

void Writer::seal() {
  if (!open_) return;
  open_ = false;
  via_.seal(frame_);
}

lamellae::FrameRef Writer::last() const noexcept {
  const std::uint64_t packed = last_.load();
  return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
}

}  // namespace lamellar::conformance

#pragma once
// Records that tell who sent them and whether they are whole, and a sink that takes each of them
// exactly once.
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/mutex.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::conformance {

struct RecordHead {
  std::uint32_t size = 0;  // of the whole record
  Pe source = 0;
  std::uint64_t number = 0;
  std::uint64_t sum = 0;
};
inline constexpr std::uint32_t kSmallestRecord = sizeof(RecordHead);

// Writes a record of `size` bytes (>= kSmallestRecord) at `to`.
void write_record(std::byte* to, std::uint32_t size, Pe source, std::uint64_t number);
// Fills `size` bytes by a pattern of their own; whether they still are that.
void write_pattern(std::byte* to, std::size_t size, std::uint64_t seed);
bool is_pattern(const std::byte* at, std::size_t size, std::uint64_t seed);

// Takes records for one PE. THREADS: any number may deliver.
class Ledger final : public lamellae::FrameSink {
 public:
  // expected[s]: records 0 .. expected[s] - 1 come from PE s.
  explicit Ledger(const std::vector<std::uint64_t>& expected);

  void on_chunk(const lamellae::Chunk& chunk) noexcept override;

  bool complete() const noexcept { return left_.load() == 0; }
  std::uint64_t left() const noexcept { return left_.load(); }
  // BLOCKS: until every record has come (or all but `left`), or a wrong one.
  void wait() noexcept;
  void wait_until(std::uint64_t left) noexcept;
  std::uint64_t chunks() const noexcept { return chunks_.load(); }
  std::uint64_t bytes() const noexcept { return bytes_.load(); }
  // What went wrong first; empty when nothing did.
  std::string complaint() const;

 private:
  struct Source {
    std::unique_ptr<std::atomic<bool>[]> seen;
    std::uint64_t expected = 0;
  };
  std::uint32_t take(const lamellae::Chunk& chunk, std::uint32_t at) noexcept;
  void complain(const std::string& what) noexcept;
  void end() noexcept;

  std::vector<Source> sources_;
  std::atomic<std::uint64_t> left_{0};
  std::atomic<std::uint32_t> over_{0};
  std::atomic<std::uint32_t> taken_{0};     // changes with every record
  std::atomic<bool> watched_{false};        // somebody is in wait_until()
  std::atomic<std::uint64_t> chunks_{0};
  std::atomic<std::uint64_t> bytes_{0};
  mutable base::Mutex mutex_;  // guards complaint_
  std::string complaint_;
};

// One thread's frame towards one destination.
class Writer {
 public:
  Writer(lamellae::Lamella& via, Pe destination,
         lamellae::Lane lane = lamellae::Lane::kRequest)
      : via_(via), destination_(destination), lane_(lane) {}

  // False when a frame was needed and none was free. Seals the frame before when it is full.
  bool append(std::uint32_t size, std::uint64_t number);
  void publish() {
    if (open_) via_.publish(frame_.ref);
  }
  void seal();

  // The frame that was opened last, for other threads that publish it.
  lamellae::FrameRef last() const noexcept;
  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t opened() const noexcept { return opened_; }

 private:
  lamellae::Lamella& via_;
  const Pe destination_;
  const lamellae::Lane lane_;
  lamellae::OpenFrame frame_;
  bool open_ = false;
  std::uint32_t used_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t opened_ = 0;
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace lamellar::conformance

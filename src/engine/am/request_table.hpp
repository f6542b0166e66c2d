#pragma once
// Requests that wait for their reply, by slot and generation: a late reply hits nobody. No lock
// while there are free slots: they form a stack (Treiber 1986) whose head carries a count against
// addresses that come back (IBM System/370, compare double and swap).
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

#include <lamellar/detail/engine_api.hpp>

#include "base/clock/mutex.hpp"

namespace lamellar::engine {

// Makes an error. Every waiter gets one of its own: threads share no exception objects.
using MakeError = std::function<std::exception_ptr()>;

class RequestTable {
 public:
  // Takes a reference of `state`. THREADS: any. ERRORS: std::bad_alloc.
  detail::RequestId open(detail::FutureCore& state, std::uint32_t index, detail::ArriveFn arrive);
  // The answer came: value or error. False when nobody waits under that id.
  bool answer(detail::RequestId id, detail::SpanReader* value, std::exception_ptr error) noexcept;
  // Every open request fails with an error of its own. Whoever opens one later finds what was
  // published (seq_cst) before this was called.
  void fail_all(const MakeError& make) noexcept;

  // So far. Nothing is open at some moment between two looks, first at answered(), then at
  // opened(), that give the same number.
  std::uint64_t opened() const noexcept { return opened_.load(); }
  std::uint64_t answered() const noexcept { return answered_.load(); }

 private:
  struct Entry {
    std::atomic<std::uint32_t> generation{0};  // odd: a request waits
    std::atomic<std::uint32_t> next_free{0};   // slot + 1; 0: none
    std::uint32_t index = 0;
    detail::ArriveFn arrive = nullptr;
    detail::FutureCore* state = nullptr;
  };
  // Chunk k has kFirstChunk << k entries; they stay where they are.
  static constexpr std::uint32_t kFirstChunk = 64;
  static constexpr std::uint32_t kChunks = 26;  // 2^32 - 64 entries

  Entry& entry(std::uint32_t slot) const noexcept;
  std::uint32_t take_free_slot();
  void give_free_slots(std::uint32_t first, Entry& last) noexcept;
  std::uint32_t grow();

  alignas(64) std::atomic<std::uint64_t> free_{0};  // count << 32 | slot + 1
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> answered_{0};
  alignas(64) std::atomic<std::uint32_t> size_{0};
  std::array<std::unique_ptr<Entry[]>, kChunks> chunks_;  // those below size_ are there
  base::Mutex growing_;
};

}  // namespace lamellar::engine

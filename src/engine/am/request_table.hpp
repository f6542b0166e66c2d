#pragma once
// Requests that wait for their reply, by slot and generation: a late reply hits nobody.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <vector>

#include <lamellar/detail/engine_api.hpp>

#include "base/clock/mutex.hpp"

namespace lamellar::engine {

// Makes an error. Every waiter gets one of its own: threads share no exception objects.
using MakeError = std::function<std::exception_ptr()>;

class RequestTable {
 public:
  // Takes a reference of `state`. THREADS: any.
  detail::RequestId open(detail::FutureCore& state, std::uint32_t index, detail::ArriveFn arrive);
  // The answer came: value or error. False when nobody waits under that id.
  bool answer(detail::RequestId id, detail::SpanReader* value, std::exception_ptr error) noexcept;
  // Every open request fails with an error of its own.
  void fail_all(const MakeError& make) noexcept;

  std::uint64_t outstanding() const noexcept { return outstanding_.load(); }

 private:
  struct Entry {
    detail::FutureCore* state = nullptr;
    detail::ArriveFn arrive = nullptr;
    std::uint32_t index = 0;
    std::uint32_t generation = 1;
  };
  bool take(detail::RequestId id, Entry& entry) noexcept;
  void finish(const Entry& entry, detail::SpanReader* value, std::exception_ptr error) noexcept;

  base::Mutex mutex_;  // guards the two vectors
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::atomic<std::uint64_t> outstanding_{0};
};

}  // namespace lamellar::engine

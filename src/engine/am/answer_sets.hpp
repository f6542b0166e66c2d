#pragma once
// Requests to all PEs that wait for their answers: one entry each, whatever the number of PEs.
#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <vector>

#include <lamellar/detail/engine_api.hpp>

#include "base/clock/mutex.hpp"
#include "engine/am/request_table.hpp"

namespace lamellar::engine {

// THREADS: any.
class AnswerSets {
 public:
  // The slot in the id of such a request; its generation tells which.
  static constexpr std::uint32_t kSlot = ~std::uint32_t{0};

  // An answer of every PE but `me` is to come. Takes a reference of `state`; `arrive` throws
  // nothing.
  detail::RequestId open(detail::FutureCore& state, Pe me, Pe num_pes, detail::ArriveFn arrive);
  // False when no answer of `source` is waited for under that id.
  bool answer(detail::RequestId id, Pe source, detail::SpanReader* value,
              std::exception_ptr error) noexcept;
  // All answers of this one that have not come are `error`.
  void fail(detail::RequestId id, const std::exception_ptr& error) noexcept;
  // Of every one. Whoever opens one later finds what was published (seq_cst) before this.
  void fail_all(const MakeError& make) noexcept;

  // How many answers were asked for so far, and have come or failed.
  std::uint64_t opened() const noexcept { return opened_.load(); }
  std::uint64_t answered() const noexcept { return answered_.load(); }

 private:
  struct Set {
    detail::FutureCore* state = nullptr;
    detail::ArriveFn arrive = nullptr;
    std::uint64_t left = 0;
    std::vector<bool> missing;  // by PE
  };
  void fail_missing(const Set& set, const MakeError& make) noexcept;

  base::Mutex mutex_;
  std::map<std::uint32_t, Set> sets_;  // by generation
  std::uint32_t last_ = 0;
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> answered_{0};
};

}  // namespace lamellar::engine

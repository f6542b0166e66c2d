#pragma once
// Coroutines that wait at one of the types of sync.hpp and channel.hpp, in the order they came.

#include <cstddef>
#include <cstdint>
#include <utility>

#include <lamellar/detail/suspension.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

struct Parcel;

// One of them, in its awaiter. All but `suspended` is guarded by the lock of what it waits at.
// Who grants takes it out of the queue and wakes its resumption afterwards; until the coroutine
// goes on its frame may still be destroyed, and then the grant has to be given back.
struct Waiter {
  Waiter* next = nullptr;
  Waiter* previous = nullptr;
  bool granted = false;
  std::uint64_t amount = 0;   // of permits or arrivals
  Parcel* parcel = nullptr;   // of a channel: what is sent, or was received
  Resumption* resumption = nullptr;
  Suspended suspended;
};

// THREADS: one at a time.
class WaitQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Waiter* first() const noexcept { return first_; }
  void push_back(Waiter& waiter) noexcept {
    waiter.previous = last_;
    waiter.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
  }
  void remove(Waiter& waiter) noexcept {
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// The lock of the runtime, which public headers do not know: src/engine/sync/lock.hpp opens it.
class LAMELLAR_API HiddenMutex {
 public:
  HiddenMutex() noexcept;
  ~HiddenMutex();
  HiddenMutex(const HiddenMutex&) = delete;
  HiddenMutex& operator=(const HiddenMutex&) = delete;
  void* place() noexcept { return place_; }

 private:
  alignas(std::max_align_t) std::byte place_[48];
};

}  // namespace lamellar::detail

#pragma once
// The untyped half of a channel: parcels, and who waits for them.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include <lamellar/detail/wait_queue.hpp>
#include <lamellar/export.hpp>

namespace lamellar::engine {
class WakeList;
}

namespace lamellar::detail {

// A value on its way. It is made before the lock is taken and opened after it was let go, so that
// no code of the value's type runs under the lock.
struct Parcel {
  Parcel* next = nullptr;
  std::uint64_t number = 0;  // in the order of sending
};

enum class SendResult : std::uint8_t { kSent, kFull, kClosed };
enum class ReceiveResult : std::uint8_t { kReceived, kEmpty, kEnded };

// Parcels between senders and receivers; see Channel.
// THREADS: any. BLOCKS: never (a short lock).
class LAMELLAR_API ChannelCore {
 public:
  explicit ChannelCore(std::size_t capacity) noexcept : capacity_(capacity) {}
  ~ChannelCore();
  ChannelCore(const ChannelCore&) = delete;
  ChannelCore& operator=(const ChannelCore&) = delete;

  // kSent: the channel has the parcel. Nothing when somebody waits to send.
  SendResult try_send(Parcel& parcel) noexcept;
  // kReceived: `parcel` is the caller's.
  ReceiveResult try_receive(Parcel*& parcel) noexcept;

  // From await_suspend. False: done, `waiter.parcel` is null when it was sent.
  bool suspend_sender(Waiter& waiter, std::coroutine_handle<> self, std::source_location where);
  // False: done, `waiter.parcel` is what was received, null at the end.
  bool suspend_receiver(Waiter& waiter, std::coroutine_handle<> self, std::source_location where);
  // The frame is destroyed while it is suspended. A sender's parcel stays with it, unless it was
  // sent; a receiver's goes back.
  void withdraw_sender(Waiter& waiter) noexcept;
  void withdraw_receiver(Waiter& waiter) noexcept;

  void close() noexcept;
  bool closed() const noexcept;
  std::size_t size() const noexcept;
  // REQUIRES: nobody waits. What is left, one by one; null at the end.
  Parcel* take_left_over() noexcept;

 private:
  SendResult send(Parcel& parcel, engine::WakeList& wakes) noexcept;
  ReceiveResult receive(Parcel*& parcel, engine::WakeList& wakes) noexcept;
  void put(Parcel& parcel) noexcept;
  Parcel* take() noexcept;
  void put_back(Parcel& parcel, engine::WakeList& wakes) noexcept;
  void hand_over(Parcel& parcel, engine::WakeList& wakes) noexcept;

  const std::size_t capacity_;
  mutable HiddenMutex mutex_;  // guards what follows
  Parcel* first_ = nullptr;
  Parcel* last_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t sent_ = 0;  // parcels so far
  bool closed_ = false;
  WaitQueue senders_;    // wait only while there are no places
  WaitQueue receivers_;  // wait only while there are no parcels and no senders
};

}  // namespace lamellar::detail

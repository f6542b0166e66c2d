#pragma once
// A bounded queue of values between coroutines: any number of senders and of receivers.

#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <lamellar/detail/channel_core.hpp>
#include <lamellar/detail/slab.hpp>
#include <lamellar/error.hpp>

namespace lamellar {

// A value was sent to a channel that is closed.
class LAMELLAR_API ChannelClosed : public Error {
 public:
  using Error::Error;
  ~ChannelClosed() override;
};

namespace detail {

[[noreturn]] LAMELLAR_API void throw_channel_closed();

template <class T>
struct ParcelOf : Parcel {
  template <class... Args>
  explicit ParcelOf(Args&&... args) : value(std::forward<Args>(args)...) {}
  T value;
};

struct ParcelDeleter {
  template <class T>
  void operator()(ParcelOf<T>* parcel) const noexcept {
    slab_delete(parcel);
  }
};
template <class T>
using ParcelPtr = std::unique_ptr<ParcelOf<T>, ParcelDeleter>;

template <class T>
ParcelPtr<T> adopt(Parcel* parcel) noexcept {
  return ParcelPtr<T>(static_cast<ParcelOf<T>*>(parcel));
}

template <class T>
class [[nodiscard("co_await it")]] SendAwaiter {
 public:
  SendAwaiter(ChannelCore& core, ParcelPtr<T> parcel, std::source_location where) noexcept
      : core_(core), where_(where) {
    waiter_.parcel = parcel.release();
  }
  SendAwaiter(const SendAwaiter&) = delete;
  SendAwaiter& operator=(const SendAwaiter&) = delete;
  ~SendAwaiter() {
    if (waiter_.suspended.suspended()) core_.withdraw_sender(waiter_);
    adopt<T>(waiter_.parcel);  // was not sent
  }
  bool await_ready() noexcept {
    const SendResult result = core_.try_send(*waiter_.parcel);
    if (result == SendResult::kSent) waiter_.parcel = nullptr;
    return result != SendResult::kFull;
  }
  bool await_suspend(std::coroutine_handle<> self) {
    return core_.suspend_sender(waiter_, self, where_);
  }
  void await_resume() const {
    if (waiter_.parcel != nullptr) throw_channel_closed();
  }

 private:
  ChannelCore& core_;
  const std::source_location where_;
  Waiter waiter_;
};

template <class T>
class [[nodiscard("co_await it")]] ReceiveAwaiter {
 public:
  ReceiveAwaiter(ChannelCore& core, std::source_location where) noexcept
      : core_(core), where_(where) {}
  ReceiveAwaiter(const ReceiveAwaiter&) = delete;
  ReceiveAwaiter& operator=(const ReceiveAwaiter&) = delete;
  ~ReceiveAwaiter() {
    if (waiter_.suspended.suspended()) core_.withdraw_receiver(waiter_);
  }
  bool await_ready() noexcept {
    return core_.try_receive(waiter_.parcel) != ReceiveResult::kEmpty;
  }
  bool await_suspend(std::coroutine_handle<> self) {
    return core_.suspend_receiver(waiter_, self, where_);
  }
  std::optional<T> await_resume() {
    const ParcelPtr<T> parcel = adopt<T>(std::exchange(waiter_.parcel, nullptr));
    if (parcel == nullptr) return std::nullopt;
    return std::optional<T>(std::in_place, std::move(parcel->value));
  }

 private:
  ChannelCore& core_;
  const std::source_location where_;
  Waiter waiter_;
};

}  // namespace detail

// Values come out in the order they were sent; senders that wait for a place, and receivers that
// wait for a value, are served in the order they came. With capacity 0 nothing is kept: a sender
// waits until a receiver takes its value.
//
// THREADS: any, for all functions. BLOCKS: never; a thread outside of tasks waits by
// world.block_on(a task that does).
// ERRORS: co_await send() throws ChannelClosed; sending and waiting may throw std::bad_alloc, and
// then nothing was sent or received. What T's move constructor throws: while sending, nothing was
// sent; while receiving, the value is lost, its place is free.
// LIFETIME: longer than everybody who waits at it; destroying one that is waited at ends the
// program with a message. Values that are left are destroyed with it.
// CANCELLATION: the frame of a coroutine that waits may be destroyed. A value that a sender waits
// to send is destroyed with it, unless it was taken already: then it was sent. A value that was
// handed to a receiver which has not run since goes back to its place in the channel, also beyond
// the capacity.
template <class T>
class Channel {
 public:
  static_assert(std::is_nothrow_destructible_v<T>, "destroying a value must not throw");

  explicit Channel(std::size_t capacity) noexcept : core_(capacity) {}
  ~Channel() {
    while (auto parcel = detail::adopt<T>(core_.take_left_over())) {
    }
  }

  // co_await send(value): suspends while there is no place. ERRORS: ChannelClosed, also when it is
  // closed meanwhile; the value is destroyed then.
  detail::SendAwaiter<T> send(T value,
                              std::source_location where = std::source_location::current()) {
    return {core_, box(std::move(value)), where};
  }
  // co_await emplace(args...): the value is made from them inside. For aggregates in a co_await,
  // whose temporaries g++ 12 destroys twice.
  template <class... Args>
  detail::SendAwaiter<T> emplace(Args&&... args) {
    return {core_, box(std::forward<Args>(args)...), {}};
  }
  // False when there is no place, and then `value` is what it was. ERRORS: ChannelClosed.
  bool try_send(T&& value) {
    auto parcel = box(std::move(value));
    const bool sent = try_send(parcel);
    if (!sent) value = std::move(parcel->value);
    return sent;
  }
  bool try_send(const T& value) {
    auto parcel = box(value);
    return try_send(parcel);
  }

  // std::optional<T> value = co_await receive(): empty once it is closed and drained.
  detail::ReceiveAwaiter<T> receive(
      std::source_location where = std::source_location::current()) noexcept {
    return {core_, where};
  }
  // Empty also when there is just no value; closed() and try_receive() again tell the difference.
  std::optional<T> try_receive() {
    detail::Parcel* found = nullptr;
    core_.try_receive(found);
    const auto parcel = detail::adopt<T>(found);
    if (parcel == nullptr) return std::nullopt;
    return std::optional<T>(std::in_place, std::move(parcel->value));
  }

  // No more sending: senders that wait get ChannelClosed. What is there can still be received,
  // then receivers get empty ones. Again: nothing.
  void close() noexcept { core_.close(); }
  bool closed() const noexcept { return core_.closed(); }
  // Values in it just now, without those of senders that wait.
  std::size_t size() const noexcept { return core_.size(); }

 private:
  template <class... Args>
  static detail::ParcelPtr<T> box(Args&&... args) {
    return detail::ParcelPtr<T>(
        detail::slab_new<detail::ParcelOf<T>>(std::forward<Args>(args)...));
  }
  bool try_send(detail::ParcelPtr<T>& parcel) {
    const detail::SendResult result = core_.try_send(*parcel);
    if (result == detail::SendResult::kClosed) detail::throw_channel_closed();
    if (result == detail::SendResult::kSent) parcel.release();
    return result == detail::SendResult::kSent;
  }

  detail::ChannelCore core_;
};

}  // namespace lamellar

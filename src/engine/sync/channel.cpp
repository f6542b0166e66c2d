#include <lamellar/channel.hpp>
#include <utility>

#include "base/core/assert.hpp"
#include "engine/sync/lock.hpp"

namespace lamellar {

ChannelClosed::~ChannelClosed() = default;

}  // namespace lamellar

namespace lamellar::detail {

using engine::lock_of;
using engine::WakeList;

ChannelCore::~ChannelCore() {
  LAMELLAR_CHECK(senders_.empty(), "a channel was destroyed while coroutines wait to send");
  LAMELLAR_CHECK(receivers_.empty(), "a channel was destroyed while coroutines wait to receive");
}

void throw_channel_closed() {
  throw ChannelClosed("a value was sent to a channel that is closed (Channel::close)");
}

// --- under the lock ------------------------------------------------------------------------

void ChannelCore::put(Parcel& parcel) noexcept {
  parcel.next = nullptr;
  (last_ != nullptr ? last_->next : first_) = &parcel;
  last_ = &parcel;
  ++size_;
}

Parcel* ChannelCore::take() noexcept {
  Parcel* const parcel = first_;
  first_ = parcel->next;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return parcel;
}

// To the receiver that waits longest.
void ChannelCore::hand_over(Parcel& parcel, WakeList& wakes) noexcept {
  receivers_.first()->parcel = &parcel;
  wakes.grant_first(receivers_);
}

SendResult ChannelCore::send(Parcel& parcel, WakeList& wakes) noexcept {
  if (closed_) return SendResult::kClosed;
  if (receivers_.empty() && size_ >= capacity_) return SendResult::kFull;
  parcel.number = sent_++;
  if (receivers_.empty())
    put(parcel);
  else
    hand_over(parcel, wakes);
  return SendResult::kSent;
}

ReceiveResult ChannelCore::receive(Parcel*& parcel, WakeList& wakes) noexcept {
  if (size_ != 0) parcel = take();
  // A place is free: the next sender has it, or with capacity 0 its parcel goes to this receiver.
  while (!senders_.empty() && (size_ < capacity_ || parcel == nullptr)) {
    Parcel& next = *std::exchange(senders_.first()->parcel, nullptr);
    next.number = sent_++;
    wakes.grant_first(senders_);
    if (parcel == nullptr)
      parcel = &next;
    else
      put(next);
  }
  if (parcel != nullptr) return ReceiveResult::kReceived;
  return closed_ ? ReceiveResult::kEnded : ReceiveResult::kEmpty;
}

// Where it was: in front of all that were sent later.
void ChannelCore::put_back(Parcel& parcel, WakeList& wakes) noexcept {
  if (!receivers_.empty()) return hand_over(parcel, wakes);
  Parcel** place = &first_;
  while (*place != nullptr && (*place)->number < parcel.number) place = &(*place)->next;
  parcel.next = std::exchange(*place, &parcel);
  if (parcel.next == nullptr) last_ = &parcel;
  ++size_;
}

// --- from outside --------------------------------------------------------------------------

SendResult ChannelCore::try_send(Parcel& parcel) noexcept {
  base::sim_point();
  WakeList wakes;
  const base::Lock lock(lock_of(mutex_));
  return send(parcel, wakes);
}

ReceiveResult ChannelCore::try_receive(Parcel*& parcel) noexcept {
  base::sim_point();
  WakeList wakes;
  const base::Lock lock(lock_of(mutex_));
  return receive(parcel, wakes);
}

bool ChannelCore::suspend_sender(Waiter& waiter, std::coroutine_handle<> self,
                                 std::source_location where) {
  WaitLabel label{"a place in a channel", "co_await send()"};
  label.where = where;
  WakeList wakes;
  return engine::suspend(mutex_, waiter, self, label, [&] {
    const SendResult result = send(*waiter.parcel, wakes);
    if (result == SendResult::kSent) waiter.parcel = nullptr;
    if (result == SendResult::kFull) senders_.push_back(waiter);
    return result == SendResult::kFull;
  });
}

bool ChannelCore::suspend_receiver(Waiter& waiter, std::coroutine_handle<> self,
                                   std::source_location where) {
  WaitLabel label{"a value from a channel", "co_await receive()"};
  label.where = where;
  WakeList wakes;
  return engine::suspend(mutex_, waiter, self, label, [&] {
    const ReceiveResult result = receive(waiter.parcel, wakes);
    if (result == ReceiveResult::kEmpty) receivers_.push_back(waiter);
    return result == ReceiveResult::kEmpty;
  });
}

void ChannelCore::withdraw_sender(Waiter& waiter) noexcept {
  engine::withdraw(mutex_, waiter, [&](WakeList&) {
    if (!waiter.granted) senders_.remove(waiter);
  });
}

void ChannelCore::withdraw_receiver(Waiter& waiter) noexcept {
  engine::withdraw(mutex_, waiter, [&](WakeList& wakes) {
    if (!waiter.granted)
      receivers_.remove(waiter);
    else if (Parcel* const parcel = std::exchange(waiter.parcel, nullptr))
      put_back(*parcel, wakes);
  });
}

void ChannelCore::close() noexcept {
  base::sim_point();
  WakeList wakes;
  const base::Lock lock(lock_of(mutex_));
  closed_ = true;
  // They see that their parcels were not taken, or that they got none.
  while (!senders_.empty()) wakes.grant_first(senders_);
  while (!receivers_.empty()) wakes.grant_first(receivers_);
}

bool ChannelCore::closed() const noexcept {
  const base::Lock lock(lock_of(mutex_));
  return closed_;
}

std::size_t ChannelCore::size() const noexcept {
  const base::Lock lock(lock_of(mutex_));
  return size_;
}

Parcel* ChannelCore::take_left_over() noexcept { return first_ != nullptr ? take() : nullptr; }

}  // namespace lamellar::detail

#include "engine/am/backlog.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lamellar::detail {

std::unique_ptr<SpillFrame> fitted(std::unique_ptr<SpillFrame> frame) {
  if (frame->length > frame->capacity / 2) return frame;
  auto exact = std::make_unique<SpillFrame>(frame->length);
  std::memcpy(exact->payload.get(), frame->payload.get(), frame->length);
  exact->length = frame->length;
  exact->counted = frame->counted;
  return exact;
}

}  // namespace lamellar::detail

namespace lamellar::engine {
namespace {

constexpr std::size_t kHeads = sizeof(wire::RunHeader) + sizeof(wire::FragmentHead);  // of a piece
constexpr std::uint64_t kBesides = 128;  // what an item takes besides its bytes

}  // namespace

Backlog::Backlog(lamellae::Lamella& lamella, SpillLimits limits)
    : lamella_(lamella),
      limits_(limits),
      queues_(lamellae::kLanes * lamella.num_pes()),
      large_(lamella.num_pes()),
      large_bytes_(lamella.num_pes()),
      held_(lamellae::kLanes * lamella.num_pes()) {}

std::unique_ptr<detail::SpillFrame> Backlog::take_frame(Pe destination, lamellae::Lane lane) {
  auto frame = std::make_unique<detail::SpillFrame>(lamella_.frame_capacity());
  frame->counted = frame->capacity + kBesides;
  recount(place(destination, lane), 0, frame->counted);
  return frame;
}

void Backlog::give_back(Pe destination, lamellae::Lane lane,
                        const detail::SpillFrame& frame) noexcept {
  recount(place(destination, lane), frame.counted, 0);
}

void Backlog::add(Pe destination, lamellae::Lane lane,
                  std::unique_ptr<detail::SpillFrame> frame) {
  frame = detail::fitted(std::move(frame));
  const std::uint64_t counts = frame->capacity + kBesides;
  recount(place(destination, lane), std::exchange(frame->counted, counts), counts);
  push(destination, lane, Item{std::move(frame), {}, counts, 0, 0, 0});
}

void Backlog::add_large(Pe destination, lamellae::Lane lane, std::uint32_t word,
                        std::vector<std::byte> record) {
  if (lane == lamellae::Lane::kRequest) {
    const std::uint64_t piece = lamella_.frame_capacity() - kHeads;
    const std::uint64_t pieces = (record.size() + piece - 1) / piece;
    large_bytes_[destination].fetch_add(record.size() + pieces * kHeads);
    large_[destination].fetch_add(1);
  }
  const bool small_enough = counts(record.size());
  const std::uint64_t counted = small_enough ? record.capacity() + kBesides : 0;
  if (!small_enough) uncounted_.fetch_add(1);
  recount(place(destination, lane), 0, counted);
  push(destination, lane,
       Item{nullptr, std::move(record), counted, 0, next_message_.fetch_add(1), word});
}

// Under no lock: it rings.
void Backlog::recount(std::size_t place, std::uint64_t before, std::uint64_t now) noexcept {
  if (before == now) return;
  const std::uint64_t more = now - before;  // modulo 2^64
  const std::size_t lane = place / lamella_.num_pes();
  held_[place].fetch_add(more);
  const std::uint64_t in_lane = held_by_[lane].fetch_add(more);
  const std::uint64_t in_all = held_all_.fetch_add(more);
  std::uint64_t most = most_held_.load();
  while (most < in_all + more && !most_held_.compare_exchange_weak(most, in_all + more)) {
  }
  const bool was_full = in_all > limits_.soft, is_full = in_all + more > limits_.soft;
  const bool crossed = was_full != is_full ||
                       (lane == 0 && in_lane <= limits_.soft && in_lane + more > limits_.soft);
  if (!was_full && is_full) times_full_.fetch_add(1);
  if (crossed) lamella_.doorbell().notify(INT32_MAX, lamella_.doorbell_scope());
}

std::string Backlog::describe() const {
  const auto requests = held_.begin() + static_cast<long>(place(0, lamellae::Lane::kRequest));
  const auto most = std::max_element(
      requests, requests + lamella_.num_pes(),
      [](const auto& a, const auto& b) { return a.load() < b.load(); });
  return "what active messages and tasks of PE " + std::to_string(lamella_.my_pe()) +
         " have sent faster than it is executed takes " + std::to_string(held()) +
         " bytes, and LAMELLAR_SPILL_HARD allows " + std::to_string(limits_.hard) + "; " +
         std::to_string(most->load()) + " of them are for PE " +
         std::to_string(most - requests) +
         ". Let them send less before they co_await what they sent, or send from outside of "
         "active messages and tasks, which waits; or raise LAMELLAR_SPILL_HARD and "
         "LAMELLAR_BUFFER_LIMIT";
}

void Backlog::push(Pe destination, lamellae::Lane lane, Item item) {
  base::Lock lock(mutex_);
  queues_[place(destination, lane)].push_back(std::move(item));
  if (items_.fetch_add(1) == 0) lamella_.want_frames(true);
  again_.store(true);  // pairs with drain()
}

bool Backlog::drain() {
  if (empty()) return false;
  again_.store(true);  // whoever drains already looks once more
  if (draining_.exchange(true)) return false;
  bool moved = false;
  do {
    again_.store(false);
    // Replies first: others wait for them.
    for (std::size_t i = queues_.size(); i-- > 0;) moved = drain_queue(i) || moved;
    draining_.store(false);
  } while (again_.load() && !empty() && !draining_.exchange(true));
  return moved;
}

bool Backlog::drain_queue(std::size_t index) {
  const auto lane = static_cast<lamellae::Lane>(index / lamella_.num_pes());
  const auto destination = static_cast<Pe>(index % lamella_.num_pes());
  bool moved = false;
  for (;;) {
    Item item;
    {
      base::Lock lock(mutex_);
      if (queues_[index].empty()) return moved;
      item = std::move(queues_[index].front());
      queues_[index].pop_front();
    }
    const bool large = item.frame == nullptr;
    bool done = false;
    while (!done && advance(item, destination, lane)) {
      moved = true;
      done = !large || item.offset == item.record.size();
    }
    // Reports of what was executed, which nobody reads any more.
    done = done || lamella_.has_departed(destination);
    bool last = false;
    {
      base::Lock lock(mutex_);
      if (!done) {
        queues_[index].push_front(std::move(item));
        return moved;
      }
      last = items_.fetch_sub(1) == 1;
      if (last) lamella_.want_frames(false);
    }
    recount(index, item.counted, 0);
    // Threads wait for the end of a large record, and for the backlog to be empty.
    if (large || last) lamella_.doorbell().notify(INT32_MAX, lamella_.doorbell_scope());
  }
}

bool Backlog::advance(Item& item, Pe destination, lamellae::Lane lane) {
  lamellae::OpenFrame frame;
  if (!lamella_.try_open(destination, lane, frame)) return false;
  std::uint32_t length = 0;
  if (item.frame != nullptr) {
    length = item.frame->length;
    std::memcpy(frame.payload, item.frame->payload.get(), length);
  } else {
    length = fill(item, frame);
    if (lane == lamellae::Lane::kRequest && item.offset == item.record.size())
      large_[destination].fetch_sub(1);
  }
  frame.committed->store(length, std::memory_order_release);  // pairs: see OpenFrame
  lamella_.seal(frame);
  return true;
}

std::uint32_t Backlog::fill(Item& item, const lamellae::OpenFrame& frame) noexcept {
  const wire::RunHeader run{wire::word_of(0, wire::Kind::kFragment), 0};
  wire::FragmentHead head;
  head.message = item.message;
  head.total = item.record.size();
  head.offset = item.offset;
  head.length = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(frame.capacity - kHeads, head.total - item.offset));
  head.word = item.word;
  std::memcpy(frame.payload, &run, sizeof run);
  std::memcpy(frame.payload + sizeof run, &head, sizeof head);
  std::memcpy(frame.payload + kHeads, item.record.data() + item.offset, head.length);
  item.offset += head.length;
  return static_cast<std::uint32_t>(kHeads) + head.length;
}

void Backlog::clear() noexcept {
  base::Lock lock(mutex_);
  for (auto& queue : queues_) queue.clear();
  for (auto& count : large_) count.store(0);
  for (auto& count : held_) count.store(0);
  for (auto& count : held_by_) count.store(0);
  held_all_.store(0);
  if (items_.exchange(0) != 0) lamella_.want_frames(false);
}

}  // namespace lamellar::engine

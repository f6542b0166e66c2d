#include "engine/am/backlog.hpp"

#include <algorithm>
#include <cstring>

namespace lamellar::engine {
namespace {

constexpr std::size_t kHeads = sizeof(wire::RunHeader) + sizeof(wire::FragmentHead);  // of a piece

}  // namespace

Backlog::Backlog(lamellae::Lamella& lamella)
    : lamella_(lamella),
      queues_(lamellae::kLanes * lamella.num_pes()),
      large_(lamella.num_pes()),
      large_bytes_(lamella.num_pes()) {}

void Backlog::add(Pe destination, lamellae::Lane lane,
                  std::unique_ptr<detail::SpillFrame> frame) {
  push(destination, lane, Item{std::move(frame), {}, 0, 0, 0});
}

void Backlog::add_large(Pe destination, lamellae::Lane lane, std::uint32_t word,
                        std::vector<std::byte> record) {
  if (lane == lamellae::Lane::kRequest) {
    const std::uint64_t piece = lamella_.frame_capacity() - kHeads;
    const std::uint64_t pieces = (record.size() + piece - 1) / piece;
    large_bytes_[destination].fetch_add(record.size() + pieces * kHeads);
    large_[destination].fetch_add(1);
  }
  push(destination, lane, Item{nullptr, std::move(record), 0, next_message_.fetch_add(1), word});
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
  if (items_.exchange(0) != 0) lamella_.want_frames(false);
}

}  // namespace lamellar::engine

#pragma once
// Frames of a shared ring: 8-byte records with one 8-byte header per run; the receiver calls one
// function per run through a table.

#include "limits/pair.hpp"

namespace bench {

struct Ring {
  alignas(64) std::atomic<std::uint64_t> head;
  alignas(64) std::atomic<std::uint64_t> tail;
};
struct Run {
  std::uint32_t id;
  std::uint32_t count;
};
// What the handlers of a process work on.
struct State {
  std::uint64_t sum = 0;
  std::uint64_t* table = nullptr;
};
using Handler = void (*)(const char* records, std::uint32_t count, State& state);
inline Handler g_handlers[16] = {};

// The ring and frames of one ordered pair.
struct Lane {
  Ring* ring = nullptr;
  char* frames = nullptr;
  std::size_t frame_bytes = 0;
  std::uint64_t num_frames = 0;

  static std::size_t bytes(std::size_t frame_bytes, std::uint64_t num_frames) {
    return sizeof(Ring) + frame_bytes * num_frames;
  }
  Lane(char* at, std::size_t bytes_of_frame, std::uint64_t count)
      : ring(reinterpret_cast<Ring*>(at)),
        frames(at + sizeof(Ring)),
        frame_bytes(bytes_of_frame),
        num_frames(count) {}
  char* frame(std::uint64_t which) const {
    return frames + which % num_frames * frame_bytes;
  }
};

struct Sender {
  Lane lane;
  char* at = nullptr;
  char* end = nullptr;
  char* begin = nullptr;
  Run* run = nullptr;
  std::uint64_t head = 0;

  explicit Sender(const Lane& to) : lane(to) {}
  template <class Poll>
  void send(std::uint32_t id, std::uint64_t record, Poll&& poll) {
    if (at + 16 > end) [[unlikely]] {
      flush();
      while (head - lane.ring->tail.load(std::memory_order_acquire) >= lane.num_frames) poll();
      begin = lane.frame(head);
      at = begin + 8;
      end = begin + lane.frame_bytes;
      run = nullptr;
    }
    if (run == nullptr || run->id != id) {
      run = reinterpret_cast<Run*>(at);
      *run = Run{id, 0};
      at += sizeof(Run);
    }
    std::memcpy(at, &record, 8);
    at += 8;
    ++run->count;
  }
  void flush() {
    if (begin == nullptr) return;
    const std::uint64_t used = static_cast<std::uint64_t>(at - begin);
    std::memcpy(begin, &used, 8);
    lane.ring->head.store(++head, std::memory_order_release);
    begin = at = end = nullptr;
  }
};

struct Receiver {
  Lane lane;
  std::uint64_t tail = 0;
  std::uint64_t executed = 0;

  explicit Receiver(const Lane& from) : lane(from) {}
  bool poll(State& state) {
    if (lane.ring->head.load(std::memory_order_acquire) == tail) return false;
    const char* at = lane.frame(tail);
    std::uint64_t used = 0;
    std::memcpy(&used, at, 8);
    const char* const end = at + used;
    at += 8;
    while (at < end) {
      Run run;
      std::memcpy(&run, at, sizeof run);
      at += sizeof run;
      g_handlers[run.id](at, run.count, state);
      at += run.count * 8ull;
      executed += run.count;
    }
    lane.ring->tail.store(++tail, std::memory_order_release);
    return true;
  }
};

}  // namespace bench

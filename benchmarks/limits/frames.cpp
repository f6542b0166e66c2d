// The raw frame loop: the physics of our design, without the library.
#include "limits/frames.hpp"

namespace bench {
namespace {

constexpr std::uint64_t kRound = 4 << 20;  // records of a round
constexpr std::uint64_t kRoundOfBoth = 2 << 20;

[[gnu::noinline]] void add_run(const char* records, std::uint32_t count, State& state) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t value;
    std::memcpy(&value, records + i * 8ull, 8);
    sum += value;
  }
  state.sum += sum;
}

[[gnu::noinline]] void count_run(const char* records, std::uint32_t count, State& state) {
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t index;
    std::memcpy(&index, records + i * 8ull, 8);
    ++state.table[index];
  }
}

constexpr std::uint32_t kAdd = 3;
constexpr std::uint32_t kCount = 4;
void use_handlers() {
  g_handlers[kAdd] = add_run;
  g_handlers[kCount] = count_run;
}

struct Control {
  Meeting meeting;
  alignas(64) std::atomic<std::uint64_t> stop;
  alignas(64) std::atomic<std::uint64_t> sent[2][2];
};

double one_way_mps(double seconds, std::size_t frame_bytes, std::uint64_t num_frames) {
  auto* control = static_cast<Control*>(common_memory(sizeof(Control)));
  auto* memory = static_cast<char*>(common_memory(Lane::bytes(frame_bytes, num_frames)));
  double rate = 0;
  as_pair([&](unsigned me) {
    const Lane lane(memory, frame_bytes, num_frames);
    if (me == 1) {
      Receiver receiver(lane);
      State state;
      while (control->stop.load(std::memory_order_acquire) == 0)
        if (!receiver.poll(state)) relax();
      asm volatile("" : : "r"(state.sum));
      return;
    }
    Sender sender(lane);
    Draw draw;
    const double round = median_round(seconds, [&] {
      const double start = now();
      for (std::uint64_t i = 0; i < kRound; ++i) sender.send(kAdd, draw(), relax);
      sender.flush();
      while (lane.ring->tail.load(std::memory_order_acquire) != sender.head) relax();
      return now() - start;
    });
    control->stop.store(1, std::memory_order_release);
    rate = kRound / round / 1e6;
  });
  munmap(memory, Lane::bytes(frame_bytes, num_frames));
  return rate;
}

// Both processes send at once: to the other one, or (own_too) to a random one, where each record
// counts in a table of `entries`.
class Exchange {
 public:
  Exchange(unsigned me, Control& control, char* memory, std::size_t frame_bytes,
           std::uint64_t num_frames, bool own_too, std::uint64_t entries)
      : me_(me),
        control_(control),
        table_(entries),
        to_{Sender(lane(memory, me, 0, frame_bytes, num_frames)),
            Sender(lane(memory, me, 1, frame_bytes, num_frames))},
        from_{Receiver(lane(memory, 0, me, frame_bytes, num_frames)),
              Receiver(lane(memory, 1, me, frame_bytes, num_frames))},
        own_too_(own_too),
        draw_(me),
        updates_(draw_updates(me, 2, entries, own_too ? kRoundOfBoth : 0)) {
    state_.table = table_.data();
  }

  void round() {
    const auto idle = [this] { poll_or_relax(); };
    std::uint64_t count[2] = {0, 0};
    for (std::uint64_t i = 0; i < kRoundOfBoth; ++i) {
      const unsigned pe = own_too_ ? pe_of(updates_[i]) : 1 - me_;
      to_[pe].send(own_too_ ? kCount : kAdd, own_too_ ? place_of(updates_[i]) : draw_(), idle);
      ++count[pe];
      if (i % 1024 == 0) poll();
    }
    for (unsigned pe = 0; pe < 2; ++pe) {
      to_[pe].flush();
      control_.sent[me_][pe].fetch_add(count[pe], std::memory_order_release);
    }
    control_.meeting.meet(idle);
    const std::uint64_t mine = control_.sent[0][me_].load() + control_.sent[1][me_].load();
    while (from_[0].executed + from_[1].executed < mine) poll_or_relax();
    control_.meeting.meet(idle);
    asm volatile("" : : "r"(state_.sum));
  }

 private:
  static Lane lane(char* memory, unsigned from, unsigned to, std::size_t frame_bytes,
                   std::uint64_t num_frames) {
    return Lane(memory + (from * 2 + to) * Lane::bytes(frame_bytes, num_frames), frame_bytes,
                num_frames);
  }
  bool poll() { return static_cast<int>(from_[0].poll(state_)) | from_[1].poll(state_); }
  void poll_or_relax() {
    if (!poll()) relax();
  }

  unsigned me_;
  Control& control_;
  std::vector<std::uint64_t> table_;
  Sender to_[2];
  Receiver from_[2];
  State state_;
  const bool own_too_;
  Draw draw_;                                 // unless own_too
  const std::vector<std::uint64_t> updates_;  // with own_too, of each round
};

// What both do together.
double both_mps(double seconds, std::size_t frame_bytes, std::uint64_t num_frames, bool own_too,
                std::uint64_t entries) {
  auto* control = static_cast<Control*>(common_memory(sizeof(Control)));
  auto* memory = static_cast<char*>(common_memory(4 * Lane::bytes(frame_bytes, num_frames)));
  double rate = 0;
  as_pair([&](unsigned me) {
    Exchange exchange(me, *control, memory, frame_bytes, num_frames, own_too, entries);
    if (me == 0) {
      const double round = median_round(seconds, [&] {
        control->meeting.meet(relax);
        const double start = now();
        exchange.round();
        return now() - start;
      });
      control->stop.store(1);
      control->meeting.meet(relax);
      rate = 2 * kRoundOfBoth / round / 1e6;
      return;
    }
    for (;;) {
      control->meeting.meet(relax);
      if (control->stop.load() != 0) return;
      exchange.round();
    }
  });
  return rate;
}

}  // namespace

// NUMBERS: bytes of a frame, frames in flight.
void limit_frames(const Arguments& arguments) {
  use_handlers();
  result("frames_mps", one_way_mps(arguments.seconds, arguments.number(0, 32768),
                                   arguments.number(1, 192)));
}

// The best of some settings.
void limit_frames_best(const Arguments& arguments) {
  use_handlers();
  constexpr std::uint64_t kSettings[][2] = {
      {16384, 16}, {16384, 256}, {16384, 512}, {32768, 256}, {65536, 64}, {65536, 128}};
  double best = 0;
  const std::uint64_t* with = kSettings[0];
  for (const auto& setting : kSettings) {
    const double rate =
        one_way_mps(arguments.seconds / std::size(kSettings), setting[0], setting[1]);
    if (rate <= best) continue;
    best = rate;
    with = setting;
  }
  result("frames_best_mps", best);
  result("frames_best_kib", static_cast<double>(with[0] * with[1]) / 1024);
}

// NUMBERS: bytes of a frame, frames in flight. Prints the rate of one process.
void limit_frames_both(const Arguments& arguments) {
  use_handlers();
  result("frames_both_mps", both_mps(arguments.seconds, arguments.number(0, 32768),
                                     arguments.number(1, 192), false, 1) / 2);
}

// NUMBERS: entries of a process's table, bytes of a frame, frames in flight.
void limit_frames_histogram(const Arguments& arguments) {
  use_handlers();
  result("frames_histogram_mps",
         both_mps(arguments.seconds, arguments.number(1, 16384), arguments.number(2, 32), true,
                  arguments.number(0, 10000)));
}

}  // namespace bench

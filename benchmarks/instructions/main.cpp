// What one small active message costs, in instructions: two PEs in one thread that polls for both,
// so that every run is the same. callgrind counts what happens inside the three functions with C
// names (benchmarks/instructions/count); without it this program only runs them.
//   bench_instructions MESSAGES
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include <lamellar/am.hpp>

#include "engine/am/engine.hpp"
#include "lamellae/local/local_job.hpp"

namespace {

using namespace lamellar;

std::uint64_t g_sum = 0;
std::uint64_t g_executed = 0;

struct Add {
  std::uint64_t value;
  void exec(Context&) const {
    g_sum += value;
    ++g_executed;
  }
};
LAMELLAR_AM(Add, value);

struct Echo {
  std::uint64_t value;
  std::uint64_t exec(Context&) const { return value + 1; }
};
LAMELLAR_AM(Echo, value);

// It could suspend, and never does.
struct AddLater {
  std::uint64_t value;
  Task<void> exec(Context&) const {
    g_sum += value;
    ++g_executed;
    co_return;
  }
};
LAMELLAR_AM(AddLater, value);

constexpr std::uint32_t kFrameBytes = 32 << 10;
constexpr std::uint32_t kPool = 256;
// No clock: the helper thread looks at no frame while this runs.
constexpr std::uint64_t kNeverNs = 1'000'000'000'000'000;

// One PE, with what a thread of its own would keep for it.
class Seat {
 public:
  explicit Seat(std::unique_ptr<lamellae::Lamella> lamella)
      : engine_(std::make_shared<engine::Engine>(options(), std::move(lamella),
                                                 engine::TypeSnapshot::take())),
        world_(engine_) {
    engine_->start();
  }
  ~Seat() { engine_->stop(); }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // From now on this thread is this PE's.
  void enter() { detail::t_state.cursors = cursors_; }
  void leave() { cursors_ = std::exchange(detail::t_state.cursors, nullptr); }
  const World& world() const { return world_; }
  bool poll() { return engine_->scheduler().work_once(); }

 private:
  static engine::EngineOptions options() {
    engine::EngineOptions options;
    options.max_record = 1 << 20;
    options.flush_ns = kNeverNs;
    options.stands_in = false;  // nobody else looks at the network
    return options;
  }
  std::shared_ptr<engine::Engine> engine_;
  World world_;
  detail::CursorTable* cursors_ = nullptr;
};

const std::shared_ptr<lamellae::LocalJob> g_job =
    std::make_shared<lamellae::LocalJob>(2, kFrameBytes, kPool);
Seat* g_seats[2];

}  // namespace

extern "C" {

[[gnu::noinline]] void send_messages(std::uint64_t count) {
  const World& world = g_seats[0]->world();
  for (std::uint64_t i = 0; i < count; ++i) world.exec_am_pe(1, Add{i}).detach();
  world.flush();
}

[[gnu::noinline]] void execute_messages(std::uint64_t until) {
  while (g_executed < until) g_seats[1]->poll();
}

[[gnu::noinline]] void run_coroutines(std::uint64_t until) {
  while (g_executed < until) g_seats[1]->poll();
}

// Both sides of `count` of them, one after the other.
[[gnu::noinline]] std::uint64_t make_round_trips(std::uint64_t count) {
  std::uint64_t value = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    g_seats[0]->enter();
    auto answer = g_seats[0]->world().exec_am_pe(1, Echo{value}).spawn();
    g_seats[0]->leave();
    g_seats[1]->enter();
    g_seats[1]->poll();
    g_seats[1]->leave();
    g_seats[0]->enter();
    g_seats[0]->poll();
    value = std::move(answer).block();
    g_seats[0]->leave();
  }
  return value;
}

// Both sides of `count` that are under way in hundreds, gathered. (More at once than a thread's
// magazines of cells hold take a lock now and then.)
[[gnu::noinline]] std::uint64_t gather_results(std::uint64_t count) {
  constexpr std::uint64_t kTogether = 250;
  static Future<std::uint64_t> futures[kTogether];
  std::uint64_t sum = 0;
  for (std::uint64_t done = 0; done < count; done += kTogether) {
    g_seats[0]->enter();
    for (Future<std::uint64_t>& future : futures)
      future = g_seats[0]->world().exec_am_pe(1, Echo{done}).spawn();
    g_seats[0]->world().flush();
    g_seats[0]->leave();
    g_seats[1]->enter();
    while (g_seats[1]->poll()) {
    }
    g_seats[1]->world().flush();
    g_seats[1]->leave();
    g_seats[0]->enter();
    while (g_seats[0]->poll()) {
    }
    for (Future<std::uint64_t>& future : futures) sum += std::move(future).block();
    g_seats[0]->leave();
  }
  return sum;
}

}  // extern "C"

namespace {

// Frames come back, and the report of what was executed.
void settle() {
  for (int i = 0; i < 8; ++i)
    for (Seat* seat : g_seats) {
      seat->enter();
      seat->poll();
      seat->leave();
    }
}

bool all_of_it(std::uint64_t count) {
  const std::uint64_t until = g_executed + count;
  g_seats[0]->enter();
  send_messages(count);
  g_seats[0]->leave();
  g_seats[1]->enter();
  execute_messages(until);
  g_seats[1]->leave();
  settle();
  g_seats[0]->enter();
  for (std::uint64_t i = 0; i < count; ++i)
    g_seats[0]->world().exec_am_pe<AddLater>(1, i).detach();
  g_seats[0]->world().flush();
  g_seats[0]->leave();
  g_seats[1]->enter();
  run_coroutines(until + count);
  g_seats[1]->leave();
  settle();
  if (make_round_trips(count / 10) != count / 10) return false;
  settle();
  return gather_results(count) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100000;
  Seat first(g_job->lamella(0)), second(g_job->lamella(1));
  g_seats[0] = &first;
  g_seats[1] = &second;
  // The first time warms up: pages, memory, addresses of functions.
  const bool right = all_of_it(count) && all_of_it(count);
  if (!right || g_executed != 4 * count || g_sum != 2 * count * (count - 1)) {
    std::fprintf(stderr, "bench_instructions: wrong sums\n");
    return 1;
  }
  return 0;
}

// Locks and channels for tasks: who waits lets the thread go.
#include <cstdio>
#include <lamellar/channel.hpp>
#include <lamellar/sync.hpp>
#include <lamellar/world.hpp>
#include <utility>
#include <vector>

struct Shared {
  lamellar::Channel<int> numbers{4};
  lamellar::Mutex mutex;
  int sum = 0;  // guarded by mutex
};

lamellar::Task<void> produce(Shared& shared, int from, int to) {
  for (int i = from; i < to; ++i) co_await shared.numbers.send(i);  // waits while it is full
}

lamellar::Task<void> consume(Shared& shared) {
  for (;;) {
    const auto number = co_await shared.numbers.receive();
    if (!number) co_return;  // closed, and nothing left
    const auto guard = co_await shared.mutex.lock();
    shared.sum += *number;
  }
}

int main(int argc, char** argv) {
  return lamellar::launch(argc, argv, [](lamellar::World& world) {
    Shared shared;  // outlives the tasks: they are waited for below
    std::vector<lamellar::Future<void>> producers, consumers;
    for (int i = 0; i < 4; ++i) {
      producers.push_back(world.spawn(produce(shared, 100 * i, 100 * i + 100)));
      consumers.push_back(world.spawn(consume(shared)));
    }
    for (auto& one : producers) one.block();
    shared.numbers.close();
    for (auto& one : consumers) one.block();
    std::printf("%d\n", shared.sum);
    return shared.sum == 399 * 200 ? 0 : 1;
  });
}

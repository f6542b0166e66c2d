#include <chrono>
#include <lamellar/sync.hpp>
#include <lamellar/task.hpp>
#include <utility>
#include <vector>

lamellar::Task<int> one() { co_return 1; }

lamellar::Task<int> right(lamellar::Mutex& mutex, std::vector<lamellar::Future<int>>& futures) {
  co_await lamellar::yield();
  co_await lamellar::sleep_for(std::chrono::milliseconds(1));
  co_await lamellar::when_any(futures);
  lamellar::Task<int> task = one();
  int value = co_await std::move(task);
  bool failed = false;
  try {
    value += co_await one();
  } catch (...) {
    failed = true;
  }
  if (failed) value += co_await one();
  const auto guard = co_await mutex.lock();
  co_return value;
}

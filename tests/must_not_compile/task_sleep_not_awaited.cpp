// EXPECT: co_await it
#pragma GCC diagnostic error "-Wunused-result"
#include <chrono>
#include <lamellar/task.hpp>

lamellar::Task<int> wrong() {
  lamellar::sleep_for(std::chrono::milliseconds(1));
  co_return 1;
}

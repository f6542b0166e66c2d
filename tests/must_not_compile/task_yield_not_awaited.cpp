// EXPECT: co_await it
#pragma GCC diagnostic error "-Wunused-result"
#include <lamellar/task.hpp>

lamellar::Task<int> wrong() {
  lamellar::yield();
  co_return 1;
}

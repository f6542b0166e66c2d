// EXPECT: (await.*handler|handler.*await)
#include <lamellar/task.hpp>

lamellar::Task<int> one() { co_return 1; }

lamellar::Task<int> wrong() {
  try {
    co_return co_await one();
  } catch (...) {
    co_return co_await one();
  }
}

// EXPECT: (await|no member|deleted|no match)
#include <lamellar/task.hpp>

lamellar::Task<int> one() { co_return 1; }

lamellar::Task<int> wrong() {
  lamellar::Task<int> task = one();
  co_return co_await task;  // without std::move it could be awaited again
}

// EXPECT: (deleted|no matching|implicitly)
#include <lamellar/task.hpp>

lamellar::Task<int> one() { co_return 1; }

lamellar::Task<int> wrong(lamellar::Task<int>& task) { return task; }

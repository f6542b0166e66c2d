// The cases for oneTBB, with its own default stacks.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "tasks/cases.hpp"

namespace {

namespace tbb = oneapi::tbb;

class Tbb {
 public:
  explicit Tbb(unsigned workers)
      : most_(tbb::global_control::max_allowed_parallelism, workers + 1),
        arena_(static_cast<int>(workers) + 1, 1) {
    arena_.initialize();
  }

  template <class F>
  void submit(F task) {
    arena_.enqueue(std::move(task));
  }

  template <class Body>
  void inside(Body&& body) {
    arena_.execute([&] {
      tbb::task_group group;
      body([&](auto task) { group.run(std::move(task)); });
      group.wait();
    });
  }

 private:
  tbb::global_control most_;
  tbb::task_arena arena_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_case<Tbb>(argc, argv); }

// An executor of the program's own: the jobs wait in a stack behind a lock.
#include <cstdio>
#include <lamellar/world.hpp>
#include <mutex>

class Stack final : public lamellar::Executor {
 public:
  void start(const Crew&) override {}
  void submit(lamellar::Job& job, lamellar::Priority, std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    job.next = top_;
    top_ = &job;
  }
  void submit_last(lamellar::Job& job, std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    lamellar::Job** end = &top_;
    while (*end != nullptr) end = &(*end)->next;
    job.next = nullptr;
    *end = &job;
  }
  lamellar::Job* take(std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    lamellar::Job* const job = top_;
    if (job != nullptr) top_ = job->next;
    return job;
  }
  bool has_work(std::uint32_t) noexcept override {
    const std::lock_guard lock(mutex_);
    return top_ != nullptr;
  }

 private:
  std::mutex mutex_;
  lamellar::Job* top_ = nullptr;
};

int main(int argc, char** argv) {
  return lamellar::WorldBuilder()
      .executor([] { return std::make_unique<Stack>(); })
      .launch(argc, argv, [](lamellar::World& world) {
        for (int i = 1; i <= 3; ++i)
          world.post([i] { std::printf("%d\n", i); });
        world.wait_all();
        return 0;
      });
}

// Sends 10^6 detached messages of 8 bytes to another PE and says what that cost: calls into the
// library (counted by the auditor), operator new and lock operations, on the sending thread and in
// the whole process.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <lamellar/world.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "counts.hpp"

namespace {

struct Tally {
  std::atomic<std::uint64_t> all{0};
  std::atomic<std::uint64_t> of_sender{0};
};
constinit Tally g_news;
constinit Tally g_locks;
constinit thread_local bool t_sender = false;

void tally(Tally& what) {
  what.all.fetch_add(1, std::memory_order_relaxed);
  if (t_sender) what.of_sender.fetch_add(1, std::memory_order_relaxed);
}

template <class Function>
Function next_one(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// The library's locks and allocations bind to these.
#define COUNTED_LOCK(name, type)                            \
  extern "C" int name(type* lock) noexcept {                \
    static const auto real = next_one(&name, #name);        \
    tally(g_locks);                                         \
    return real(lock);                                      \
  }
COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNTED_LOCK(pthread_mutex_trylock, pthread_mutex_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_tryrdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_trywrlock, pthread_rwlock_t)

void* operator new(std::size_t size) {
  tally(g_news);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  tally(g_news);
  const auto align = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(align, (size + align - 1) / align * align))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

constexpr std::uint64_t kMessages = 1'000'000;

struct Sum {
  std::atomic<std::uint64_t> value{0};
  std::atomic<std::uint64_t> count{0};
};
Sum g_sum;  // PEs of one process: what PE 1 has executed

struct Add {
  std::uint64_t value;
  void exec(lamellar::Context&) const {
    g_sum.value.fetch_add(value, std::memory_order_relaxed);
    g_sum.count.fetch_add(1, std::memory_order_relaxed);
  }
};
LAMELLAR_AM(Add, value);
static_assert(sizeof(Add) == 8);

struct Cost {
  std::uint64_t calls, calls_of_sender, news, news_of_sender, locks, locks_of_sender, switches;

  static Cost now(const calls::Counts& counts) {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return {counts.calls,    counts.calls_of_sender,
            g_news.all,      g_news.of_sender,
            g_locks.all,     g_locks.of_sender,
            static_cast<std::uint64_t>(usage.ru_nvcsw + usage.ru_nivcsw)};
  }
};

void send(lamellar::World& world, calls::Counts& counts) {
  for (std::uint64_t i = 0; i < 10'000; ++i) world.exec_am_pe<Add>(1, 0u).detach();
  world.wait_all();
  g_sum.count = 0;
  t_sender = true;
  counts.sender = gettid();
  const Cost before = Cost::now(counts);
  for (std::uint64_t i = 0; i < kMessages; ++i) world.exec_am_pe<Add>(1, i).detach();
  const Cost after = Cost::now(counts);
  counts.sender = 0;
  t_sender = false;
  world.wait_all();
  const auto tell = [&](const char* what, std::uint64_t Cost::*member) {
    std::printf("%s %llu\n", what, static_cast<unsigned long long>(after.*member - before.*member));
  };
  tell("calls", &Cost::calls);
  tell("calls_of_sender", &Cost::calls_of_sender);
  tell("news", &Cost::news);
  tell("news_of_sender", &Cost::news_of_sender);
  tell("locks", &Cost::locks);
  tell("locks_of_sender", &Cost::locks_of_sender);
  tell("switches", &Cost::switches);
  std::printf("executed %llu\n", static_cast<unsigned long long>(g_sum.count.load()));
  std::printf("sum_is_right %d\n", g_sum.value.load() == kMessages * (kMessages - 1) / 2);
}

}  // namespace

int main(int argc, char** argv) {
  calls::Counts* const counts = calls::map_counts();
  if (counts == nullptr) return 97;
  return lamellar::launch(argc, argv, [counts](lamellar::World& world) {
    if (world.my_pe() == 0) send(world, *counts);
    // Proof that the auditor and the counters count.
    if (world.my_pe() == 0) {
      const std::uint64_t calls = counts->calls;
      const std::uint64_t news = g_news.all;
      const std::uint64_t locks = g_locks.all;
      for (int i = 0; i < 10; ++i) world.exec_am_local(Add{0}).block();
      delete new int(1);
      std::printf("control_calls %d\n", counts->calls >= calls + 10);
      std::printf("control_news %d\n", g_news.all > news);
      std::printf("control_locks %d\n", g_locks.all >= locks + 10);
    }
    return 0;
  });
}

#pragma once
// The untyped half of a future: who waits, is it done, did it fail.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>
#include <variant>

#include <lamellar/detail/job.hpp>
#include <lamellar/detail/slab.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// Runs a coroutine and whatever it hands over to, one after the other, on a flat stack. Symmetric
// transfer would overflow it at -O0 and under sanitizers.
inline void trampoline(std::coroutine_handle<> first) noexcept {
  ThreadState& thread = this_thread();
  void* const outer = std::exchange(thread.next_coroutine, nullptr);
  first.resume();
  while (thread.next_coroutine != nullptr) {
    void* const next = std::exchange(thread.next_coroutine, nullptr);
    std::coroutine_handle<>::from_address(next).resume();
  }
  thread.next_coroutine = outer;
}

// From await_suspend: `next` runs as soon as the caller's resume() has returned.
inline void hand_over(std::coroutine_handle<> next) noexcept {
  this_thread().next_coroutine = next.address();
}

// What a wait is for, for the who-waits-for-what table.
struct WaitLabel {
  const char* what = "a future";
  const char* instead = "co_await the future";  // the awaitable form, for WouldDeadlock
  std::uint32_t peer = ~std::uint32_t{0};
  std::uint64_t sequence = 0;
  std::source_location where = {};  // the call that started it, shown when the wait has none
};

class FutureCore;

// A suspended coroutine that waits for one future. Lives in its frame; when the frame is destroyed
// while it is suspended, the wait is withdrawn.
class LAMELLAR_API FutureAwaiter : public Job {
 public:
  FutureAwaiter() noexcept;
  ~FutureAwaiter();
  // False when the future is done already.
  bool suspend(FutureCore& core, std::coroutine_handle<> self, std::source_location where);

 private:
  friend class FutureCore;
  static void resume(Job* job) noexcept;
  void* self_ = nullptr;
  FutureCore* core_ = nullptr;  // set while suspended
  void* wait_slot_ = nullptr;
};

class LAMELLAR_API FutureCore {
 public:
  FutureCore(engine::Scheduler& home, void (*destroy)(FutureCore*) noexcept) noexcept
      : home_(&home), destroy_(destroy) {}
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  // The value is stored: wake who waits. THREADS: any, once. BLOCKS: never.
  void complete() noexcept;
  void fail(std::exception_ptr error) noexcept;

  bool ready() const noexcept { return waiter_.load(std::memory_order_acquire) == kDone; }
  // BLOCKS: until ready; the thread works meanwhile. ERRORS: WouldDeadlock inside a task.
  void block(std::source_location where);
  // Once ready. Marks the failure as seen and throws it.
  void rethrow();

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  // The last one frees; a failure nobody saw goes to the world's error handler.
  void release() noexcept;

  engine::Scheduler& home() const noexcept { return *home_; }
  WaitLabel label;

 protected:
  void set_destroy(void (*destroy)(FutureCore*) noexcept) noexcept { destroy_ = destroy; }

 private:
  friend class FutureAwaiter;
  static constexpr std::uintptr_t kDone = 1;

  std::atomic<std::uintptr_t> waiter_{0};  // 0, an awaiter, or kDone (release: the value is there)
  std::atomic<std::uint32_t> blocked_{0};  // threads in block()
  std::atomic<std::uint32_t> references_{1};
  bool seen_ = false;
  std::exception_ptr error_;
  engine::Scheduler* home_;
  void (*destroy_)(FutureCore*) noexcept;
};

template <class R>
struct FutureState : FutureCore {
  using Stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

  explicit FutureState(engine::Scheduler& home) noexcept : FutureCore(home, &destroy_state) {}
  ~FutureState() {
    if (has_value) value().~Stored();
  }

  template <class... Args>
  void emplace(Args&&... args) {
    new (storage) Stored(std::forward<Args>(args)...);
    has_value = true;
  }
  Stored& value() noexcept { return *std::launder(reinterpret_cast<Stored*>(storage)); }
  // REQUIRES: ready. Moves the value out or throws the failure.
  R take() {
    rethrow();
    if constexpr (!std::is_void_v<R>) return std::move(value());
  }

  alignas(Stored) std::byte storage[sizeof(Stored)];
  bool has_value = false;

 private:
  static void destroy_state(FutureCore* core) noexcept {
    slab_delete(static_cast<FutureState*>(core));
  }
};

// Owns one reference.
template <class State>
class StateRef {
 public:
  StateRef() = default;
  explicit StateRef(State* adopted) noexcept : state_(adopted) {}
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StateRef& operator=(StateRef&& other) noexcept {
    StateRef(std::move(other)).swap(*this);
    return *this;
  }
  ~StateRef() {
    if (state_ != nullptr) state_->release();
  }
  void swap(StateRef& other) noexcept { std::swap(state_, other.state_); }
  State* get() const noexcept { return state_; }
  State* operator->() const noexcept { return state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  State* state_ = nullptr;
};

}  // namespace lamellar::detail

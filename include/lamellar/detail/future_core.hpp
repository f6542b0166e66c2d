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

#include <lamellar/detail/slab.hpp>
#include <lamellar/detail/suspension.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

class FutureCore;

// A coroutine that awaits one future; when its frame is destroyed meanwhile, the wait is withdrawn.
class LAMELLAR_API FutureAwaiter {
 public:
  FutureAwaiter() = default;
  ~FutureAwaiter();
  // False when the future is done already.
  bool suspend(FutureCore& core, std::coroutine_handle<> self, std::source_location where);

 private:
  Suspended suspended_;
  FutureCore* core_ = nullptr;
};

class LAMELLAR_API FutureCore {
 public:
  FutureCore(engine::Scheduler& home, void (*destroy)(FutureCore*) noexcept) noexcept
      : home_(&home), destroy_(destroy) {}
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  // The value is stored: wake who waits. THREADS: any, once; the caller has a reference, or was
  // entrusted with this, and then must not touch it any more. BLOCKS: never.
  void complete() noexcept;
  void fail(std::exception_ptr error) noexcept;

  bool ready() const noexcept { return waiter_.load(std::memory_order_acquire) == kDone; }
  // BLOCKS: until ready; the thread works meanwhile. ERRORS: WouldDeadlock inside a task.
  void block(std::source_location where) {
    if (!ready()) block_until_ready(where);
  }
  // Once ready. Throws the failure, which is seen then.
  void rethrow() {
    if (error_) [[unlikely]]
      throw_error();
  }

  // From now on `waker` waits here; false when the future is done. One at a time.
  bool enter(Waker& waker) noexcept;
  // It does not wait any more; false when it was woken.
  bool withdraw(Waker& waker) noexcept;

  // REQUIRES: the caller has a reference. Where that is the only one, nobody else counts now.
  void retain() noexcept {
    if (references_.load(std::memory_order_relaxed) == 1)
      references_.store(2, std::memory_order_relaxed);
    else
      references_.fetch_add(1, std::memory_order_relaxed);
  }
  // The last one frees; a failure nobody saw goes to the world's error handler.
  void release() noexcept {
    if (references_.load(std::memory_order_acquire) == 1 ||
        references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      unreferenced();
  }

  // Before anybody else knows it: one other will complete it who has no reference of its own. It
  // lives until that has happened, and costs that one no second locked operation.
  void entrust() noexcept { entrusted_ = true; }
  bool entrusted() const noexcept { return entrusted_; }

  engine::Scheduler& home() const noexcept { return *home_; }
  WaitLabel label;

 protected:
  void set_destroy(void (*destroy)(FutureCore*) noexcept) noexcept { destroy_ = destroy; }

 private:
  // Where no waker can lie. kDone: the value is there. kBlocked: a thread is in block(). kOrphan:
  // no reference is left, and whoever was entrusted with it frees it.
  static constexpr std::uintptr_t kNobody = 0, kDone = 1, kBlocked = 2, kOrphan = 3;
  bool enter(std::uintptr_t waits) noexcept;
  void block_until_ready(std::source_location where);
  [[noreturn]] void throw_error();
  void unreferenced() noexcept;
  void free() noexcept;

  std::atomic<std::uintptr_t> waiter_{kNobody};  // or one of the others above, or a waker
  std::atomic<std::uint32_t> references_{1};
  bool entrusted_ = false;
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

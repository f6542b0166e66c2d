#pragma once
// Who waits for what: every blocking or suspending call of the runtime is entered here and leaves
// on return, so that a hang can always be told. Slow path only; no lock.
#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>

namespace lamellar::base {

inline constexpr std::uint32_t kNoPeer = ~std::uint32_t{0};

struct WaitInfo {
  const char* what = "";  // static text: "barrier", "reply", "credit", ...
  std::uint32_t pe = kNoPeer;
  std::uint32_t peer = kNoPeer;  // kNoPeer: nobody in particular
  std::uint64_t sequence = 0;
  std::source_location where;
};

struct WaitSlot;

// One entered wait. Movable, so that a suspended task can keep it.
// THREADS: one at a time. BLOCKS: never. When every slot is taken the wait is counted, not shown.
class WaitScope {
 public:
  WaitScope() = default;
  explicit WaitScope(const WaitInfo& info) noexcept;
  WaitScope(WaitScope&& other) noexcept : slot_(other.slot_) { other.slot_ = nullptr; }
  WaitScope& operator=(WaitScope&& other) noexcept;
  ~WaitScope() { leave(); }
  void leave() noexcept;
  void peer(std::uint32_t now_waited_for) noexcept;

 private:
  WaitSlot* slot_ = nullptr;
};

// Writes a line for every wait entered in this process. Async-signal-safe. BLOCKS: on `fd` only.
void dump_waits(int fd) noexcept;

// The same as text. ERRORS: std::bad_alloc.
std::string describe_waits();

// Installs a handler for `signal` that calls dump_waits(2), only where the disposition is the
// default one. Returns whether the handler is (or already was) ours.
bool dump_waits_on_signal(int signal) noexcept;

}  // namespace lamellar::base

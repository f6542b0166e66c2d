#include "base/wait/wait.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/clock/clock.hpp"

namespace lamellar::base {

// A slot is claimed by a thread (busy), filled, and shown while `since_ns` is not zero. A reader
// in a signal handler may see a slot half way: every field is an atomic, so the worst it can print
// is a line of two different waits.
struct alignas(64) WaitSlot {
  std::atomic<bool> busy{false};
  std::atomic<std::uint32_t> pe{0};
  std::atomic<std::uint32_t> peer{0};
  std::atomic<std::uint32_t> line{0};
  std::atomic<std::uint64_t> sequence{0};
  std::atomic<std::uint64_t> since_ns{0};
  std::atomic<const char*> what{nullptr};
  std::atomic<const char*> file{nullptr};
  std::atomic<const char*> function{nullptr};
};

namespace {

constexpr std::size_t kSlots = 4096;
constexpr std::size_t kTries = 64;
constinit WaitSlot g_slots[kSlots];
constinit std::atomic<std::uint64_t> g_not_shown{0};
constinit std::atomic<std::size_t> g_high{0};  // slots ever used: what a dump looks at
thread_local std::size_t t_hint __attribute__((tls_model("initial-exec"))) = 0;

WaitSlot* claim() noexcept {
  // A table that is nearly full is not searched for long: a million tasks may wait.
  for (std::size_t tries = 0; tries < kTries; ++tries) {
    const std::size_t index = (t_hint + tries) % kSlots;
    WaitSlot& slot = g_slots[index];
    if (slot.busy.load(std::memory_order_relaxed)) continue;
    if (slot.busy.exchange(true, std::memory_order_acquire)) continue;  // pairs with leave()
    t_hint = index;
    std::size_t high = g_high.load(std::memory_order_relaxed);
    while (high <= index && !g_high.compare_exchange_weak(high, index + 1)) {
    }
    return &slot;
  }
  t_hint = (t_hint + kTries) % kSlots;
  g_not_shown.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

// A line built without allocation, for signal handlers.
class Line {
 public:
  Line& text(const char* s) noexcept {
    if (s == nullptr) return *this;
    const std::size_t n = strnlen(s, sizeof data_ - size_);
    std::memcpy(data_ + size_, s, n);
    size_ += n;
    return *this;
  }
  Line& number(std::uint64_t value) noexcept {
    char digits[21];
    std::size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
      digits[--at] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return text(digits + at);
  }
  const char* end() noexcept {
    if (size_ == sizeof data_) --size_;
    data_[size_++] = '\n';
    return data_;
  }
  std::size_t size() const noexcept { return size_; }

 private:
  char data_[512];
  std::size_t size_ = 0;
};

class ToDescriptor {
 public:
  explicit ToDescriptor(int fd) noexcept : fd_(fd) {}
  void operator()(Line& line) const noexcept {
    const char* const text = line.end();
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t n = ::write(fd_, text + done, line.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
  }

 private:
  int fd_;
};

void on_dump_signal(int) {
  const int saved = errno;
  dump_waits(STDERR_FILENO);
  errno = saved;
}

}  // namespace

WaitScope::WaitScope(const WaitInfo& info) noexcept : slot_(claim()) {
  if (slot_ == nullptr) return;
  slot_->pe.store(info.pe, std::memory_order_relaxed);
  slot_->peer.store(info.peer, std::memory_order_relaxed);
  slot_->line.store(info.where.line(), std::memory_order_relaxed);
  slot_->sequence.store(info.sequence, std::memory_order_relaxed);
  slot_->what.store(info.what, std::memory_order_relaxed);
  slot_->file.store(info.where.file_name(), std::memory_order_relaxed);
  slot_->function.store(info.where.function_name(), std::memory_order_relaxed);
  slot_->since_ns.store(now_ns(), std::memory_order_release);  // pairs with dump_waits
}

WaitScope& WaitScope::operator=(WaitScope&& other) noexcept {
  if (this == &other) return *this;
  leave();
  slot_ = other.slot_;
  other.slot_ = nullptr;
  return *this;
}

void WaitScope::leave() noexcept {
  if (slot_ == nullptr) return;
  slot_->since_ns.store(0, std::memory_order_relaxed);
  slot_->busy.store(false, std::memory_order_release);  // pairs with claim()
  slot_ = nullptr;
}

void WaitScope::peer(std::uint32_t now_waited_for) noexcept {
  if (slot_ != nullptr) slot_->peer.store(now_waited_for, std::memory_order_relaxed);
}

namespace {

template <class Write>
void tell_waits(const Write& write) {
  const std::uint64_t now = now_ns();
  const std::size_t high = g_high.load();
  write(Line().text("lamellar: who waits for what in process ")
            .number(static_cast<std::uint64_t>(getpid())));
  std::uint64_t shown = 0;
  for (std::size_t i = 0; i < high; ++i) {
    WaitSlot& slot = g_slots[i];
    const std::uint64_t since = slot.since_ns.load(std::memory_order_acquire);
    if (since == 0) continue;
    ++shown;
    Line line;
    line.text("  PE ");
    const std::uint32_t pe = slot.pe.load(std::memory_order_relaxed);
    pe == kNoPeer ? line.text("?") : line.number(pe);
    line.text(" waits for ").text(slot.what.load(std::memory_order_relaxed));
    line.text(" #").number(slot.sequence.load(std::memory_order_relaxed));
    const std::uint32_t peer = slot.peer.load(std::memory_order_relaxed);
    if (peer != kNoPeer) line.text(" of PE ").number(peer);
    line.text(" since ").number(now > since ? (now - since) / 1'000'000u : 0).text(" ms at ");
    line.text(slot.file.load(std::memory_order_relaxed)).text(":");
    line.number(slot.line.load(std::memory_order_relaxed)).text(" in ");
    write(line.text(slot.function.load(std::memory_order_relaxed)));
  }
  write(Line().text("  ").number(shown).text(" shown, ")
            .number(g_not_shown.load(std::memory_order_relaxed))
            .text(" ever not shown for want of slots"));
}

}  // namespace

void dump_waits(int fd) noexcept { tell_waits(ToDescriptor(fd)); }

std::string describe_waits() {
  std::string text;
  tell_waits([&](Line& line) {
    const char* const data = line.end();
    text.append(data, line.size());
  });
  return text;
}

bool dump_waits_on_signal(int signal) noexcept {
  struct sigaction now{};
  if (sigaction(signal, nullptr, &now) != 0) return false;
  const bool is_default = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
  if (!is_default) return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == on_dump_signal;
  struct sigaction ours{};
  ours.sa_handler = on_dump_signal;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  return sigaction(signal, &ours, nullptr) == 0;
}

}  // namespace lamellar::base

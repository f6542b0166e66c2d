// One line, one ring of single messages, one TCP connection.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "harness/line.hpp"
#include "limits/pair.hpp"

namespace bench {

void limit_line(const Arguments& arguments) {
  struct Shared {
    Line line;
    Line stop;
    Meeting meeting;
  };
  auto* shared = static_cast<Shared*>(common_memory(sizeof(Shared)));
  constexpr std::uint64_t kBatch = 2000;
  as_pair([&](unsigned me) {
    std::uint64_t at = 0;
    if (me == 0) {
      const double seconds = median_round(arguments.seconds, [&] {
        shared->meeting.meet(relax);
        const double start = now();
        line_ask(shared->line, at, kBatch);
        at += kBatch;
        return now() - start;
      });
      shared->stop.turn.store(1);
      shared->meeting.meet(relax);
      result("line_ns", seconds / kBatch * 1e9);
      return;
    }
    for (;;) {
      shared->meeting.meet(relax);
      if (shared->stop.turn.load() != 0) return;
      line_answer(shared->line, at, kBatch);
      at += kBatch;
    }
  });
}

// A process that sleeps on a futex is woken and answers: the kernel's part of waking a PE.
void limit_wake(const Arguments&) {
  struct Shared {
    Line asked;
    Line answered;
    Line stop;
  };
  auto* shared = static_cast<Shared*>(common_memory(sizeof(Shared)));
  auto* const word = reinterpret_cast<std::uint32_t*>(&shared->asked.turn);  // the low half of it
  as_pair([&](unsigned me) {
    std::uint64_t at = 0;
    if (me == 1) {
      while (shared->stop.turn.load() == 0) {
        if (shared->asked.turn.load() == at)
          syscall(SYS_futex, word, FUTEX_WAIT, at, nullptr, nullptr, 0);
        else
          shared->answered.turn.store(++at);
      }
      return;
    }
    const auto ask = [&] {
      shared->asked.turn.store(++at);
      syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    };
    std::vector<double> woken;
    for (int i = 0; i < 20; ++i) {
      for (const double until = now() + 0.005; now() < until;) relax();
      const double asked = now();
      ask();
      while (shared->answered.turn.load() != at) relax();
      woken.push_back((now() - asked) * 1e6);
    }
    shared->stop.turn.store(1);
    ask();
    result("futex_wake_us", median(std::move(woken)));
  });
}

// A ring of 8-byte messages, each published by itself: nothing that pushes out every message can
// be faster.
void limit_spsc(const Arguments& arguments) {
  constexpr std::uint64_t kSlots = 32768;
  constexpr std::uint64_t kRound = 1 << 20;
  struct Shared {
    Line head;
    Line tail;
    Line stop;
    std::uint64_t slots[kSlots];
  };
  auto* shared = static_cast<Shared*>(common_memory(sizeof(Shared)));
  as_pair([&](unsigned me) {
    if (me == 0) {
      std::uint64_t head = 0;
      std::uint64_t free_until = kSlots;
      const double seconds = median_round(arguments.seconds, [&] {
        const double start = now();
        for (std::uint64_t i = 0; i < kRound; ++i) {
          while (head == free_until)
            free_until = shared->tail.turn.load(std::memory_order_acquire) + kSlots;
          shared->slots[head % kSlots] = i;
          shared->head.turn.store(++head, std::memory_order_release);
        }
        while (shared->tail.turn.load(std::memory_order_acquire) != head) relax();
        return now() - start;
      });
      shared->stop.turn.store(1, std::memory_order_release);
      result("spsc_mps", kRound / seconds / 1e6);
      return;
    }
    std::uint64_t tail = 0;
    std::uint64_t sum = 0;
    while (shared->stop.turn.load(std::memory_order_acquire) == 0) {
      const std::uint64_t head = shared->head.turn.load(std::memory_order_acquire);
      if (head == tail) {
        relax();
        continue;
      }
      for (; tail != head; ++tail) sum += shared->slots[tail % kSlots];
      shared->tail.turn.store(tail, std::memory_order_release);
    }
    asm volatile("" : : "r"(sum));
  });
}

namespace {

[[noreturn]] void refuse(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

// Reads or writes 8 bytes, spinning. False: the other side has closed.
bool move8(int fd, bool reading, std::uint64_t& word) {
  std::size_t done = 0;
  auto* bytes = reinterpret_cast<char*>(&word);
  while (done < sizeof word) {
    const ssize_t got =
        reading ? recv(fd, bytes + done, sizeof word - done, MSG_DONTWAIT)
                : send(fd, bytes + done, sizeof word - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (got > 0)
      done += static_cast<std::size_t>(got);
    else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
      return false;
  }
  return true;
}

}  // namespace

void limit_tcp(const Arguments& arguments) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, plain, length) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, plain, &length) != 0)
    refuse("limits: TCP over loopback");
  as_pair([&](unsigned me) {
    const int on = 1;
    std::uint64_t word = 0;
    if (me == 1) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd, plain, length) != 0) refuse("limits: connect");
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      while (move8(fd, true, word) && move8(fd, false, word)) {
      }
      return;
    }
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) refuse("limits: accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    constexpr int kBatch = 200;
    const double seconds = median_round(arguments.seconds, [&] {
      const double start = now();
      for (int i = 0; i < kBatch; ++i)
        if (!move8(fd, false, word) || !move8(fd, true, word)) refuse("limits: TCP");
      return now() - start;
    });
    close(fd);
    result("tcp_us", seconds / kBatch * 1e6);
  });
}

}  // namespace bench

#include "lamellae/shmem/fd_exchange.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <lamellar/error.hpp>
#include <source_location>

#include "base/clock/clock.hpp"
#include "base/clock/rng.hpp"
#include "base/log/log.hpp"
#include "base/wait/wait.hpp"

namespace lamellar::lamellae {
namespace {

// What travels with a descriptor.
struct Card {
  std::uint64_t secret = 0;
  std::uint32_t pe = 0;
  std::int32_t pid = 0;
  std::uint64_t job_nonce = 0;
};

// What the first PE of the host tells the others by the bootstrap.
struct Meeting {
  std::uint64_t name = 0;
  std::uint64_t secret = 0;
};

[[noreturn]] void fail(const std::string& what) {
  throw LaunchError("shared memory: " + what + " (" + std::strerror(errno) + ")");
}

Descriptor make_socket(unsigned seconds) {
  Descriptor fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) fail("no socket");
  const timeval limit{static_cast<time_t>(seconds), 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

socklen_t address_of(std::uint64_t name, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  const std::string text = "lamellar-" + std::to_string(name);
  std::memcpy(address.sun_path + 1, text.data(), text.size());  // a leading 0: abstract
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
}

ucred peer_of(const Descriptor& socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    fail("the kernel does not say who has connected");
  return who;
}

void send_card(const Descriptor& socket, const Card& card, int fd) {
  iovec bytes{const_cast<Card*>(&card), sizeof card};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  if (sendmsg(socket.get(), &message, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof card))
    fail("a segment could not be handed over");
}

Descriptor receive_card(const Descriptor& socket, Card& card) {
  iovec bytes{&card, sizeof card};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  if (got < 0) fail("no segment came");
  int fd = -1;
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS)
    std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  Descriptor segment(fd);
  if (got != static_cast<ssize_t>(sizeof card) || fd < 0) {
    errno = EPROTO;
    fail("another PE of this host gave up or sent something else than a segment");
  }
  return segment;
}

std::string missing_of(const std::vector<HostMate>& mates) {
  std::string text;
  for (const auto& mate : mates)
    if (mate.pid == 0) text += (text.empty() ? "" : ", ") + std::to_string(mate.pe);
  return text;
}

// The first PE of the host: collects everybody's, then gives all to all.
void host(HostExchange& exchange, const Descriptor& listener, const Meeting& meeting,
          int my_segment, unsigned seconds) {
  std::vector<Descriptor> sockets;
  std::vector<HostMate>& mates = exchange.mates;
  mates[0].pid = getpid();
  while (sockets.size() + 1 < mates.size()) {
    Descriptor socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.get() < 0)
      fail("PE " + missing_of(mates) + " of this host did not come within " +
           std::to_string(seconds) + " s");
    const ucred who = peer_of(socket);
    if (who.uid != geteuid()) {
      LAMELLAR_LOG_WARN("process {} of user {} tried to join this job of user {}: refused", who.pid,
                        who.uid, geteuid());
      continue;
    }
    const timeval limit{static_cast<time_t>(seconds), 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    Card card;
    Descriptor segment;
    try {
      segment = receive_card(socket, card);
    } catch (const LaunchError&) {
      continue;
    }
    if (card.secret != meeting.secret) continue;
    const auto mate = std::find_if(mates.begin(), mates.end(),
                                   [&](const HostMate& m) { return m.pe == card.pe; });
    if (mate == mates.end() || mate->pid != 0) continue;
    mate->pid = who.pid;
    mate->segment = std::move(segment);
    sockets.push_back(std::move(socket));
  }
  for (const Descriptor& socket : sockets)
    for (const HostMate& mate : mates)
      send_card(socket, {meeting.secret, mate.pe, mate.pid, exchange.job_nonce},
                mate.segment.get() >= 0 ? mate.segment.get() : my_segment);
}

void join(HostExchange& exchange, Pe me, const Meeting& meeting, int my_segment,
          unsigned seconds) {
  const Descriptor socket = make_socket(seconds);
  sockaddr_un address;
  const socklen_t size = address_of(meeting.name, address);
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0)
    fail("PE " + std::to_string(exchange.mates[0].pe) + " of this host cannot be reached");
  if (peer_of(socket).uid != geteuid()) {
    errno = EPERM;
    fail("another user answers under this job's name");
  }
  send_card(socket, {meeting.secret, me, getpid(), 0}, my_segment);
  for (HostMate& mate : exchange.mates) {
    Card card;
    mate.segment = receive_card(socket, card);
    if (card.secret != meeting.secret || card.pe != mate.pe) {
      errno = EPROTO;
      fail("the segments of this host came in the wrong order");
    }
    mate.pid = card.pid;
    exchange.job_nonce = card.job_nonce;
  }
}

}  // namespace

HostExchange exchange_on_host(Bootstrap& bootstrap, const std::vector<Pe>& group, int my_segment,
                              std::uint64_t timeout_ns) {
  // A socket's limit of 0 means none.
  const auto seconds = timeout_ns == base::kForever
                           ? 0u
                           : static_cast<unsigned>(timeout_ns / 1'000'000'000u) + 1u;
  const Pe me = bootstrap.rank();
  HostExchange exchange;
  for (const Pe pe : group) exchange.mates.push_back({pe, 0, {}});
  const bool first = exchange.mates[0].pe == me;
  Meeting meeting{base::random_u64(), base::random_u64()};
  Descriptor listener;
  if (first) {
    listener = make_socket(seconds);
    sockaddr_un address;
    const socklen_t size = address_of(meeting.name, address);
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener.get(), static_cast<int>(exchange.mates.size())) != 0)
      fail("no listening socket");
    exchange.job_nonce = base::random_u64();
  }
  const auto all = bootstrap.allgather(
      std::string(reinterpret_cast<const char*>(&meeting), sizeof meeting));
  const std::string& of_first = all[exchange.mates[0].pe];
  std::memcpy(&meeting, of_first.data(), std::min(of_first.size(), sizeof meeting));
  const base::WaitScope wait({"the segments of the other PEs of this host", me, base::kNoPeer, 0,
                              std::source_location::current()});
  if (first)
    host(exchange, listener, meeting, my_segment, seconds);
  else
    join(exchange, me, meeting, my_segment, seconds);
  return exchange;
}

}  // namespace lamellar::lamellae

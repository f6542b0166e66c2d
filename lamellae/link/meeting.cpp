#include "lamellae/link/meeting.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <lamellar/error.hpp>
#include <map>
#include <source_location>

#include "base/clock/clock.hpp"
#include "base/clock/rng.hpp"
#include "base/log/log.hpp"
#include "base/process/event_loop.hpp"
#include "base/wait/wait.hpp"
#include "lamellae/bootstrap/host.hpp"
#include "lamellae/bootstrap/wire_line.hpp"
#include "lamellae/link/address.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::size_t kLongestHello = 256;
constexpr std::size_t kMostPending = 64;  // connections that have not said yet who they are

// What every PE tells all others; at, port, name and token count for the first of a group only.
struct Card {
  std::string at;
  unsigned port = 0;
  std::uint64_t name = 0;  // of the group's abstract socket
  std::string token;       // the job's is that of the first group
  std::string who;
};

std::string encode(const Card& card) {
  std::string text = WireLine("card")
                         .add("at", to_text(card.at))
                         .add("port", card.port)
                         .add("name", card.name)
                         .add("token", card.token)
                         .add("who", to_text(card.who))
                         .text();
  text.pop_back();
  return text;
}

Card decode(const std::string& text) {
  const WireLine line = WireLine::parse(text);
  Card card;
  card.at = from_text(line.value("at")).value_or("");
  card.port = static_cast<unsigned>(line.number("port").value_or(0));
  card.name = line.number("name").value_or(0);
  card.token = line.value("token");
  card.who = from_text(line.value("who")).value_or("");
  return card;
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw LaunchError("control connections: " + what +
                    (error == 0 ? "" : std::string(": ") + std::strerror(error)));
}

// Also for the time a connect() takes; 0 seconds would be none.
void limit_time(int fd, std::uint64_t deadline_ns) {
  timeval limit{};
  if (deadline_ns != base::kForever) {
    const std::uint64_t now = base::now_ns();
    const std::uint64_t left_us = deadline_ns > now ? (deadline_ns - now) / 1000 : 0;
    limit.tv_sec = static_cast<time_t>(left_us / 1'000'000);
    limit.tv_usec = static_cast<suseconds_t>(left_us % 1'000'000 + 1000);
    if (limit.tv_usec > 999'999) limit.tv_usec = 999'999;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// A host that is gone without a word is noticed within some ten seconds.
void keep_alive(int fd) {
  const auto set = [fd](int level, int name, int value) {
    setsockopt(fd, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(IPPROTO_TCP, TCP_KEEPCNT, 5);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

class Meeter {
 public:
  Meeter(Bootstrap& bootstrap, const std::vector<std::vector<Pe>>& groups, std::size_t my_group,
         std::uint64_t timeout_ns)
      : bootstrap_(bootstrap),
        groups_(groups),
        my_group_(my_group),
        timeout_ns_(timeout_ns),
        siblings_(groups[my_group].size() - 1),
        leads_(groups[my_group][0] == bootstrap.rank()) {}

  Meeting meet(const std::string& bind) {
    if (leads_) listen_everywhere(bind);
    tell();
    deadline_ns_ = timeout_ns_ == base::kForever ? base::kForever : base::now_ns() + timeout_ns_;
    meeting_.links.resize(groups_.size());
    if (!leads_) {
      take_over();
    } else {
      for (std::size_t group = 0; group < my_group_; ++group) connect(group);
      accept_all();
      hand_over();
    }
    return std::move(meeting_);
  }

 private:
  void listen_everywhere(const std::string& bind_to);
  void tell();
  void connect(std::size_t group);
  void accept_all();
  void accept_one();
  void hear(int fd);
  void drop(int fd);
  void hand_over();
  void take_over();
  const Card& leader(std::size_t group) const { return cards_[groups_[group][0]]; }
  std::string patience() const {
    return std::to_string(timeout_ns_ / 1'000'000) + " ms (LAMELLAR_CONNECT_TIMEOUT)";
  }
  std::string missing() const;
  base::WaitScope waits(const char* what) const {
    return base::WaitScope(
        {what, bootstrap_.rank(), base::kNoPeer, 0, std::source_location::current()});
  }

  struct Pending {
    Descriptor socket;
    std::string from;
    std::string text;
  };

  Bootstrap& bootstrap_;
  const std::vector<std::vector<Pe>>& groups_;
  const std::size_t my_group_;
  const std::uint64_t timeout_ns_;
  const std::size_t siblings_;
  const bool leads_;
  std::uint64_t deadline_ns_ = base::kForever;
  Address own_;
  Descriptor listener_;  // TCP
  Descriptor handover_;  // abstract
  std::vector<Card> cards_;
  std::string token_;
  base::EventLoop loop_;
  std::map<int, Pending> pending_;
  Meeting meeting_;
};

socklen_t abstract_name(std::uint64_t name, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  const std::string text = "lamellar-link-" + std::to_string(name);
  std::memcpy(address.sun_path + 1, text.data(), text.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
}

void Meeter::listen_everywhere(const std::string& bind_to) {
  own_ = own_address(bind_to);
  listener_ = Descriptor(
      socket(own_.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener_.get() < 0 || bind(listener_.get(), own_.get(), own_.size) != 0 ||
      listen(listener_.get(), SOMAXCONN) != 0)
    fail("cannot listen on " + own_.host(), errno);
  socklen_t size = sizeof own_.storage;
  getsockname(listener_.get(), own_.get(), &size);
}

void Meeter::tell() {
  Card mine;
  mine.who = "PE " + std::to_string(bootstrap_.rank()) + " (host " + host_name() + ", pid " +
             std::to_string(getpid()) + ")";
  if (leads_) {
    mine.at = own_.host();
    mine.port = own_.port();
    mine.token = std::to_string(base::random_u64()) + "-" + std::to_string(base::random_u64());
    mine.name = base::random_u64();
    if (siblings_ != 0) {
      handover_ = Descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
      sockaddr_un address;
      const socklen_t size = abstract_name(mine.name, address);
      if (handover_.get() < 0 ||
          bind(handover_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
          listen(handover_.get(), static_cast<int>(siblings_)) != 0)
        fail("no socket for the other PEs of this host", errno);
    }
  }
  for (const std::string& text : bootstrap_.allgather(encode(mine))) {
    cards_.push_back(decode(text));
    meeting_.who.push_back(cards_.back().who);
  }
  token_ = leader(0).token;
}

void Meeter::connect(std::size_t group) {
  const auto waiting = waits("the control connection to another host");
  const Card& there = leader(group);
  const Address address = parse_address(there.at, there.port);
  Descriptor link(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (link.get() < 0) fail("no socket", errno);
  limit_time(link.get(), deadline_ns_);
  const Address from = own_.with_port(0);
  if (bind(link.get(), from.get(), from.size) != 0) fail("cannot use " + own_.host(), errno);
  const std::string hello = WireLine("hello")
                                .add("token", token_)
                                .add("from", my_group_)
                                .add("to", group)
                                .text();
  char answer = 0;
  errno = 0;
  if (::connect(link.get(), address.get(), address.size) != 0 ||
      send(link.get(), hello.data(), hello.size(), MSG_NOSIGNAL) < 0 ||
      recv(link.get(), &answer, 1, 0) != 1)
    fail(there.who + " at " + address.text() + " cannot be reached from " + own_.host() +
             " within " + patience() +
             "; LAMELLAR_INTERFACE chooses the interface, see lamellar-info",
         errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno);
  meeting_.links[group] = std::move(link);
}

std::string Meeter::missing() const {
  std::string text;
  for (std::size_t group = my_group_ + 1; group < groups_.size(); ++group)
    if (meeting_.links[group].get() < 0) text += (text.empty() ? "" : ", ") + leader(group).who;
  return text;
}

void Meeter::accept_all() {
  const auto waiting = waits("the control connections from other hosts");
  loop_.watch(listener_.get(), [this] { accept_one(); });
  while (!missing().empty())
    if (!loop_.run_once(deadline_ns_))
      fail("no connection to " + own_.text() + " within " + patience() + " from " + missing() +
               "; LAMELLAR_INTERFACE chooses the interface, see lamellar-info",
           0);
  while (!pending_.empty()) drop(pending_.begin()->first);
  loop_.forget(listener_.get());
}

void Meeter::accept_one() {
  Address from;
  from.size = sizeof from.storage;
  Descriptor socket(accept4(listener_.get(), from.get(), &from.size, SOCK_CLOEXEC));
  if (socket.get() < 0) return;
  if (pending_.size() >= kMostPending) drop(pending_.begin()->first);
  const int fd = socket.get();
  pending_[fd] = {std::move(socket), from.text(), ""};
  loop_.watch(fd, [this, fd] { hear(fd); });
}

void Meeter::hear(int fd) {
  Pending& pending = pending_.at(fd);
  char bytes[kLongestHello];
  const ssize_t size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return drop(fd);
  pending.text.append(bytes, static_cast<std::size_t>(size));
  if (pending.text.back() != '\n') {
    if (pending.text.size() > kLongestHello) drop(fd);
    return;
  }
  pending.text.pop_back();
  const WireLine hello = WireLine::parse(pending.text);
  const std::uint64_t group = hello.number("from").value_or(0);
  if (hello.command() != "hello" || hello.value("token") != token_ ||
      hello.number("to") != my_group_ || group <= my_group_ || group >= groups_.size() ||
      meeting_.links[group].get() >= 0)
    return drop(fd);
  if (send(fd, "\n", 1, MSG_NOSIGNAL) != 1) return drop(fd);
  loop_.forget(fd);
  meeting_.links[group] = std::move(pending.socket);
  pending_.erase(fd);
}

// A stranger.
void Meeter::drop(int fd) {
  if (meeting_.strangers++ == 0)
    LAMELLAR_LOG_WARN(
        "control connections: {} connected to {} and is none of this job's; dropped (more of them "
        "are only counted)",
        pending_.at(fd).from, own_.text());
  loop_.forget(fd);
  pending_.erase(fd);
}

// One message for each link: the group's number, with the descriptor.
bool send_link(int socket, std::uint32_t group, int fd) {
  iovec bytes{&group, sizeof group};
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
  return sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof group;
}

Descriptor receive_link(int socket, std::uint32_t& group) {
  iovec bytes{&group, sizeof group};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof group) return {};
  int fd = -1;
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS)
    std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return Descriptor(fd);
}

void Meeter::hand_over() {
  const auto waiting = waits("the other PEs of this host, for the control connections");
  for (std::size_t served = 0; served < siblings_;) {
    if (!base::wait_readable(handover_.get(), deadline_ns_))
      fail(std::to_string(siblings_ - served) + " PEs of this host did not come within " +
               patience(),
           0);
    Descriptor socket(accept4(handover_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ucred peer{};
    socklen_t size = sizeof peer;
    if (socket.get() < 0 ||
        getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        peer.uid != geteuid())
      continue;
    limit_time(socket.get(), deadline_ns_);
    char token[kLongestHello];
    const ssize_t got = recv(socket.get(), token, sizeof token, 0);
    if (got < 0 || std::string_view(token, static_cast<std::size_t>(got)) != token_) continue;
    for (std::uint32_t group = 0; group < groups_.size(); ++group)
      if (group != my_group_ && !send_link(socket.get(), group, meeting_.links[group].get()))
        fail("a PE of this host went away", errno);
    ++served;
  }
}

void Meeter::take_over() {
  const auto waiting = waits("the control connections of this host");
  const Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address;
  const socklen_t size = abstract_name(leader(my_group_).name, address);
  if (socket.get() < 0 ||
      ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0)
    fail(leader(my_group_).who + " of this host cannot be reached", errno);
  // It serves us once it has its connections: give it a little longer than it has.
  limit_time(socket.get(),
             deadline_ns_ == base::kForever ? base::kForever : deadline_ns_ + 1'000'000'000);
  send(socket.get(), token_.data(), token_.size(), MSG_NOSIGNAL);
  for (std::size_t left = groups_.size() - 1; left != 0; --left) {
    std::uint32_t group = 0;
    Descriptor link = receive_link(socket.get(), group);
    if (link.get() < 0 || group >= groups_.size())
      fail(leader(my_group_).who + " of this host could not connect to the other hosts", errno);
    meeting_.links[group] = std::move(link);
  }
}

}  // namespace

Meeting meet(Bootstrap& bootstrap, const std::vector<std::vector<Pe>>& groups,
             std::size_t my_group, const std::string& bind, std::uint64_t timeout_ns) {
  Meeting meeting = Meeter(bootstrap, groups, my_group, timeout_ns).meet(bind);
  for (const Descriptor& link : meeting.links) {
    if (link.get() < 0) continue;
    limit_time(link.get(), base::kForever);
    keep_alive(link.get());
  }
  return meeting;
}

}  // namespace lamellar::lamellae

// Who may take part in the exchange of segments: only this user's processes that know the secret.
#include "lamellae/shmem/fd_exchange.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <lamellar/error.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/thread.hpp"
#include "lamellae/local/local_job.hpp"
#include "support/captured_log.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// Lets a test do something between the allgather, in which the name of the socket is told, and what
// follows it.
class Overheard final : public Bootstrap {
 public:
  using Told = std::function<void(const std::string& of_first)>;
  Overheard(std::unique_ptr<Bootstrap> inner, Told told)
      : inner_(std::move(inner)), told_(std::move(told)) {}
  Pe rank() const noexcept override { return inner_->rank(); }
  Pe size() const noexcept override { return inner_->size(); }
  std::vector<std::string> allgather(const std::string& mine) override {
    auto all = inner_->allgather(mine);
    if (told_) told_(all.at(0));
    return all;
  }
  void abandon(const std::string& why) noexcept override { inner_->abandon(why); }
  std::vector<Pe> host_mates() const override { return inner_->host_mates(); }
  const std::vector<std::vector<Pe>>& hosts() const override { return inner_->hosts(); }
  const char* launcher() const noexcept override { return "test"; }

 private:
  std::unique_ptr<Bootstrap> inner_;
  Told told_;
};

// Connects as a stranger would; -1 or the socket.
int connect_to(const std::string& of_first) {
  std::uint64_t name = 0;
  std::memcpy(&name, of_first.data(), sizeof name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = "lamellar-" + std::to_string(name);
  std::memcpy(address.sun_path + 1, text.data(), text.size());
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), size), 0) << strerror(errno);
  return fd;
}

// A card as PE 1 sends it, with a descriptor.
void send_card(int socket, std::uint64_t secret) {
  struct {
    std::uint64_t secret;
    std::uint32_t pe;
    std::int32_t pid;
    std::uint64_t nonce;
  } card{secret, 1, getpid(), 0};
  iovec bytes{&card, sizeof card};
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
  std::memcpy(CMSG_DATA(head), &socket, sizeof socket);
  sendmsg(socket, &message, MSG_NOSIGNAL);
}

std::uint64_t secret_of(const std::string& of_first) {
  std::uint64_t secret = 0;
  std::memcpy(&secret, of_first.data() + sizeof secret, sizeof secret);
  return secret;
}

// Two PEs exchange their segments while `told` disturbs; it is called on PE 1 before it connects.
void exchange_of_two(const Overheard::Told& told) {
  auto job = std::make_shared<LocalJob>(2, 4096, 16);
  std::vector<Segment> segments;
  for (int pe = 0; pe < 2; ++pe) {
    segments.push_back(Segment::create(1 << 16));
    segments.back().base()[0] = std::byte(10 + pe);
  }
  std::vector<HostExchange> got(2);
  {
    std::vector<std::unique_ptr<base::Thread>> pes;
    for (Pe pe = 0; pe < 2; ++pe)
      pes.push_back(std::make_unique<base::Thread>("pe", [&, pe] {
        Overheard bootstrap(job->bootstrap(pe), pe == 1 ? told : nullptr);
        got[pe] = exchange_on_host(bootstrap, bootstrap.host_mates(), segments[pe].fd(),
                                   60 * kSecondNs);
      }));
  }
  EXPECT_EQ(got[0].job_nonce, got[1].job_nonce);
  for (Pe me = 0; me < 2; ++me) {
    ASSERT_EQ(got[me].mates.size(), 2u);
    HostMate& mate = got[me].mates[1 - me];
    EXPECT_EQ(mate.pe, 1 - me);
    EXPECT_EQ(mate.pid, getpid());
    const Segment theirs = Segment::map(std::move(mate.segment), 1 << 16);
    EXPECT_EQ(theirs.base()[0], std::byte(10 + (1 - me)));
  }
}

TEST(FdExchange, GivesEverybodyEverybodysSegment) { exchange_of_two(nullptr); }

TEST(FdExchange, AStrangerWithAWrongSecretIsPassedOver) {
  int stranger = -1;
  exchange_of_two([&](const std::string& of_first) {
    stranger = connect_to(of_first);
    send_card(stranger, secret_of(of_first) ^ 1);
  });
  // It was hung up on and got nothing.
  char byte = 0;
  EXPECT_LE(recv(stranger, &byte, 1, 0), 0);
  close(stranger);
}

TEST(FdExchange, AnotherUserIsPassedOverEvenWithTheSecret) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can act as another user";
  int answer = -1;
  const testing_support::CapturedLog log;
  exchange_of_two([&](const std::string& of_first) {
    const pid_t stranger = fork();
    if (stranger == 0) {
      if (setresuid(65534, 65534, 65534) != 0) _exit(2);
      const int socket = connect_to(of_first);
      send_card(socket, secret_of(of_first));
      char byte = 0;
      _exit(recv(socket, &byte, 1, 0) <= 0 ? 0 : 1);
    }
    waitpid(stranger, &answer, 0);
  });
  EXPECT_EQ(answer, 0);
  EXPECT_NE(log.text().find("of user 65534 tried to join this job of user 0: refused"),
            std::string::npos)
      << log.text();
}

TEST(FdExchange, WhoDoesNotComeIsNamed) {
  auto job = std::make_shared<LocalJob>(2, 4096, 16);
  const Segment segment = Segment::create(1 << 16);
  std::string why;
  {
    base::Thread absent("pe", [&] { static_cast<void>(job->bootstrap(1)->allgather("")); });
    try {
      const auto bootstrap = job->bootstrap(0);
      static_cast<void>(exchange_on_host(*bootstrap, bootstrap->host_mates(), segment.fd(), 1));
    } catch (const LaunchError& error) {
      why = error.what();
    }
  }
  EXPECT_NE(why.find("PE 1 of this host did not come within 1 s"), std::string::npos) << why;
}

}  // namespace
}  // namespace lamellar::lamellae

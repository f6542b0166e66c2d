// Control connections over the loopback, every PE a process of its own: who hears of which death,
// and who is to print it.
#include "lamellae/link/host_links.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <lamellar/error.hpp>
#include <memory>
#include <string>
#include <vector>

#include "lamellae/bootstrap/wire_line.hpp"
#include "lamellae/link/address.hpp"

namespace lamellar::lamellae {
namespace {

using Groups = std::vector<std::vector<Pe>>;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

void put(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(9);
}

// A line, or what there is of it at the end.
std::string get(int fd) {
  std::string text;
  for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) text += c;
  return text;
}

// The parent brings the parts together: a line up, a line for each PE down.
class ByParent final : public Bootstrap {
 public:
  ByParent(Pe rank, Pe size, int fd, Groups hosts)
      : rank_(rank), size_(size), fd_(fd), hosts_(std::move(hosts)) {}
  Pe rank() const noexcept override { return rank_; }
  Pe size() const noexcept override { return size_; }
  std::vector<std::string> allgather(const std::string& mine) override {
    put(fd_, mine + '\n');
    std::vector<std::string> all;
    for (Pe pe = 0; pe < size_; ++pe) all.push_back(get(fd_));
    return all;
  }
  void abandon(const std::string&) noexcept override {}
  std::vector<Pe> host_mates() const override { return {rank_}; }
  const Groups& hosts() const override { return hosts_; }
  const char* launcher() const noexcept override { return "test"; }

 private:
  Pe rank_;
  Pe size_;
  int fd_;
  Groups hosts_;
};

// Children that connect, say "up", and then do what they are told, a letter each:
//   l leaves, q leaves and ends; aN announces that PE N failed and that it has been said
class Job {
 public:
  using Overheard = std::function<void(const std::string& card_of_first)>;
  explicit Job(Groups groups, const Overheard& overheard = {},
               std::uint64_t timeout_ns = 100 * kSecondNs, Pe absent = kNoPe)
      : groups_(std::move(groups)) {
    Pe size = 0;
    for (const auto& group : groups_) size += static_cast<Pe>(group.size());
    for (Pe pe = 0; pe < size; ++pe) start(pe, size, timeout_ns);
    std::string all;
    for (Pe pe = 0; pe < size; ++pe) all += hear(pe) + '\n';
    if (overheard) overheard(all.substr(0, all.find('\n')));
    for (Pe pe = 0; pe < size; ++pe)
      if (pe != absent) put(fds_[pe], all);
  }
  ~Job() {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
    for (const int fd : fds_) close(fd);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // The next line of a PE; empty when it has ended.
  std::string hear(Pe pe) const { return get(fds_[pe]); }
  void tell(Pe pe, const std::string& letters) const { put(fds_[pe], letters); }
  void kill_pe(Pe pe) const { kill(pids_[pe], SIGKILL); }
  void stop_pe(Pe pe) const {
    kill(pids_[pe], SIGSTOP);
    waitpid(pids_[pe], nullptr, WUNTRACED);
  }
  void all_up() const {
    for (Pe pe = 0; pe < fds_.size(); ++pe) ASSERT_EQ(hear(pe), "up");
  }
  int pid(Pe pe) const { return pids_[pe]; }

  static constexpr Pe kNoPe = ~Pe{0};

 private:
  void start(Pe pe, Pe size, std::uint64_t timeout_ns) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      close(fds[0]);
      for (const int fd : fds_) close(fd);
      be(pe, size, fds[1], timeout_ns);
    }
    close(fds[1]);
    fds_.push_back(fds[0]);
    pids_.push_back(pid);
  }

  [[noreturn]] void be(Pe pe, Pe size, int fd, std::uint64_t timeout_ns) const {
    try {
      ByParent bootstrap(pe, size, fd, groups_);
      LinkOptions options;
      options.bind = "127.0.0.1";
      options.timeout_ns = timeout_ns;
      options.on_failure = [fd](Pe culprit, const std::string& why, bool said) {
        put(fd, "PE " + std::to_string(culprit) + (said ? " said: " : " to be said: ") + why +
                    '\n');
      };
      const auto links = HostLinks::connect(bootstrap, groups_, options);
      put(fd, "up\n");
      for (char letter = 0; read(fd, &letter, 1) == 1;) {
        if (letter == 'a' && read(fd, &letter, 1) == 1)
          put(fd, links->announce(static_cast<Pe>(letter - '0'), "as announced", true)
                      ? "told\n" : "known\n");
        if (letter == 'l' || letter == 'q') links->leave();
        if (letter == 'l') put(fd, "left\n");
        if (letter == 'q') break;
        if (letter == 's') put(fd, std::to_string(links->strangers()) + '\n');
      }
    } catch (const LaunchError& error) {
      put(fd, std::string("error: ") + error.what() + '\n');
    }
    _exit(0);
  }

  Groups groups_;
  std::vector<int> fds_;
  std::vector<pid_t> pids_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(HostLinks, TheDeathOfALonePeIsToldByTheLowestLeft) {
  for (const Pe dead : {0u, 1u, 2u}) {
    const Job job({{0}, {1}, {2}});
    job.all_up();
    job.kill_pe(dead);
    const Pe teller = dead == 0 ? 1 : 0;
    const Pe hearer = dead == 2 ? 1 : 2;
    const std::string why = "PE " + std::to_string(dead) + " (host ";
    const std::string told = job.hear(teller);
    EXPECT_TRUE(has(told, "PE " + std::to_string(dead) + " to be said: " + why)) << told;
    EXPECT_TRUE(has(told, ", pid " + std::to_string(job.pid(dead)) +
                              ") ended without leaving the job (killed?)")) << told;
    const std::string heard = job.hear(hearer);
    EXPECT_TRUE(has(heard, "PE " + std::to_string(dead) + " said: " + why)) << heard;
  }
}

TEST(HostLinks, ASiblingTellsForALeaderThatDied) {
  const Job job({{0, 1}, {2, 3}});
  job.all_up();
  job.kill_pe(0);
  job.tell(1, "a0");  // it has a pidfd
  EXPECT_EQ(job.hear(1), "told");
  EXPECT_EQ(job.hear(2), "PE 0 said: as announced");
  job.kill_pe(1);  // nothing more comes of it
  job.tell(2, "a1");
  EXPECT_EQ(job.hear(2), "known");
}

TEST(HostLinks, WhenAWholeGroupVanishesTheLowestLeftTells) {
  const Job job({{0}, {1, 2}, {3, 4}});
  job.all_up();
  job.stop_pe(3);
  job.stop_pe(4);
  job.kill_pe(3);
  job.kill_pe(4);
  EXPECT_TRUE(has(job.hear(0), "PE 3 to be said: PE 3 (host "));
  const std::string heard = job.hear(1);
  EXPECT_TRUE(has(heard, "PE 3 said: PE 3 (host ")) << heard;
  EXPECT_TRUE(has(heard, "and the other PEs of its host ended")) << heard;
}

TEST(HostLinks, WhenOnlyOneGroupIsLeftItTells) {
  const Job job({{0}, {1, 2}, {3}});
  job.all_up();
  for (const Pe pe : {0u, 1u, 2u}) job.stop_pe(pe);  // or one of them might tell of another
  for (const Pe pe : {0u, 1u, 2u}) job.kill_pe(pe);
  EXPECT_TRUE(has(job.hear(3), " to be said: PE "));
}

TEST(HostLinks, WhenTheLowestDoesNotTellAnotherDoes) {
  const Job job({{0}, {1}, {2}});
  job.all_up();
  job.stop_pe(0);
  job.kill_pe(2);
  EXPECT_TRUE(has(job.hear(1), "PE 2 to be said: PE 2 (host "));
}

TEST(HostLinks, LeavingInOrderIsNoFailure) {
  const Job job({{0, 1}, {2}, {3}});
  job.all_up();
  job.tell(0, "q");
  job.tell(1, "q");
  EXPECT_EQ(job.hear(0) + job.hear(1), "");
  job.tell(2, "q");
  EXPECT_EQ(job.hear(2), "");
  job.tell(3, "a0");  // the first thing it says
  EXPECT_EQ(job.hear(3), "told");
}

TEST(HostLinks, WhoHasLeftHearsNothing) {
  const Job job({{0}, {1}, {2}});
  job.all_up();
  job.tell(0, "l");
  EXPECT_EQ(job.hear(0), "left");
  job.kill_pe(1);
  EXPECT_TRUE(has(job.hear(2), "PE 1 to be said"));
  job.tell(0, "a1");
  EXPECT_EQ(job.hear(0), "known");
}

// As a stranger would: connects to where the first group listens.
int knock(const std::string& card, const std::string& text) {
  const WireLine line = WireLine::parse(card);
  const Address address = parse_address(from_text(line.value("at")).value_or(""),
                                        static_cast<unsigned>(line.number("port").value_or(0)));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, address.get(), address.size), 0);
  EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  return fd;
}

TEST(HostLinks, StrangersAreDroppedAndCounted) {
  std::vector<int> fds;
  const Job job({{0}, {1}}, [&](const std::string& card) {
    fds.push_back(knock(card, "GET / HTTP/1.1\r\n\r\n"));
    fds.push_back(knock(card, "cmd=hello token=1-2 from=1 to=0\n"));
    fds.push_back(knock(card, std::string(1000, 'x')));
    fds.push_back(knock(card, "cmd=hel"));  // and nothing more
  });
  job.all_up();
  job.tell(0, "s");
  EXPECT_EQ(job.hear(0), "4");
  job.kill_pe(1);
  EXPECT_TRUE(has(job.hear(0), "PE 1 to be said"));
  for (const int fd : fds) close(fd);
}

TEST(HostLinks, WhoDoesNotComeIsNamed) {
  const Job job({{0}, {1}, {2}}, {}, kSecondNs / 4, 2);
  const std::string error = job.hear(0);
  EXPECT_TRUE(has(error, "error: control connections: no connection to 127.0.0.1:")) << error;
  EXPECT_TRUE(has(error, "from PE 2 (host ")) << error;
  EXPECT_TRUE(has(error, "LAMELLAR_INTERFACE")) << error;
}

TEST(HostLinks, AnInterfaceThatIsNotThereIsRefusedWithThoseThatAre) {
  EXPECT_EQ(own_address("lo").host(), "127.0.0.1");
  EXPECT_EQ(own_address("127.0.0.1").port(), 0u);
  EXPECT_EQ(parse_address("::1", 80).text(), "[::1]:80");
  EXPECT_THROW(parse_address("nowhere", 1), LaunchError);
  try {
    static_cast<void>(own_address("eth99"));
    FAIL();
  } catch (const LaunchError& error) {
    EXPECT_TRUE(has(error.what(), "'eth99' (LAMELLAR_INTERFACE)")) << error.what();
    EXPECT_TRUE(has(error.what(), "lo (127.0.0.1)")) << error.what();
  }
}

}  // namespace
}  // namespace lamellar::lamellae

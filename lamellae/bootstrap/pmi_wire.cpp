#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <lamellar/error.hpp>

#include "base/process/event_loop.hpp"
#include "lamellae/bootstrap/pmi.hpp"
#include "lamellae/bootstrap/wire_line.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kPatience = 1'000'000'000;  // for answers nobody insists on
constexpr std::size_t kLongestLine = 1 << 16;
constexpr std::size_t kLongestKey = 63;
// Slurm's mpi/pmi2 reads a request into 1024 bytes, whatever it says of values.
constexpr std::size_t kLongestPut = 1000;
constexpr std::string_view kOurServer = "lamellar-run.";  // how its key space's name starts

class WirePmi final : public Pmi {
 public:
  WirePmi(int fd, Pe rank, Pe size, bool says_abort)
      : fd_(fd), rank_(rank), size_(size), says_abort_(says_abort) {
    fcntl(fd_, F_SETFD, FD_CLOEXEC);  // children of ours must not look like this PE
  }

  void join(std::uint64_t deadline_ns) {
    say_init(deadline_ns);
    const WireLine maxes = ask(WireLine("get_maxes"), "maxes", deadline_ns);
    const WireLine name = ask(WireLine("get_my_kvsname"), "my_kvsname", deadline_ns);
    space_ = name.value("kvsname");
    if (space_.empty()) throw LaunchError("the launcher names no key space (PMI_FD)");
    ours_ = space_.starts_with(kOurServer);
    const std::size_t told =
        std::max<std::size_t>(maxes.number("vallen_max").value_or(256), 64) - 1;
    const std::size_t around = put_request("", std::string(kLongestKey, 'k')).text().size();
    if (around > kLongestPut / 2)
      throw LaunchError("the launcher's key space has too long a name (PMI_FD)");
    value_limit_ = ours_ ? told : std::min(told, kLongestPut - around);
  }

  Pe rank() const noexcept override { return rank_; }
  Pe size() const noexcept override { return size_; }
  std::size_t value_limit() const noexcept override { return value_limit_; }

  void put(const std::string& key, const std::string& value,
           std::uint64_t deadline_ns) override {
    const WireLine reply = ask(put_request(value, key), "put_result", deadline_ns);
    if (!is_good(reply))
      throw LaunchError("the launcher refuses the key " + key + " (" +
                        std::string(reply.value("msg")) + ")");
  }

  bool fence(std::uint64_t deadline_ns) override {
    send(WireLine("barrier_in"));
    const std::optional<WireLine> reply = receive("barrier_out", deadline_ns);
    if (!reply) return false;
    if (is_good(*reply)) return true;
    const Pe pe = static_cast<Pe>(reply->number("pe").value_or(0));
    throw JobFailed(pe, from_text(reply->value("why")).value_or("it gave up"));
  }

  std::optional<std::string> get(Pe, const std::string& key,
                                 std::uint64_t deadline_ns) override {
    WireLine request("get");
    request.add("kvsname", space_).add("key", key);
    const WireLine reply = ask(request, "get_result", deadline_ns);
    if (!is_good(reply)) return std::nullopt;
    return std::string(reply.value("value"));
  }

  void abandon(const std::string& why) noexcept override {
    if (!ours_ && !says_abort_) return;
    WireLine request("abort");
    request.add("exitcode", 2);
    if (ours_) request.add("why", to_text(why.substr(0, 1000)));
    try_to_send(request);
  }

  void finalize() noexcept override {
    if (busy_) try_to_finalize();
  }

  void set_busy(bool busy) noexcept override {
    if (!ours_ || busy == busy_) return;
    busy_ = busy;
    try {
      busy ? say_init(base::now_ns() + kPatience) : try_to_finalize();
    } catch (const std::exception&) {  // the next question says so
    }
  }

  void blame(Pe culprit) noexcept override {
    if (ours_) try_to_send(WireLine("blame").add("pe", culprit));
  }

  void say_end(const std::string& how) noexcept override {
    if (ours_) try_to_send(WireLine("ends").add("how", to_text(how)));
  }

 private:
  static bool is_good(const WireLine& reply) noexcept {
    return !reply.has("rc") || reply.value("rc") == "0";
  }

  WireLine put_request(const std::string& value, const std::string& key) const {
    WireLine request("put");
    return request.add("kvsname", space_).add("key", key).add("value", value);
  }

  void say_init(std::uint64_t deadline_ns) {
    WireLine init("init");
    init.add("pmi_version", 1).add("pmi_subversion", 1);
    if (!is_good(ask(init, "response_to_init", deadline_ns)))
      throw LaunchError("the launcher does not speak version 1 of the PMI wire protocol");
  }

  void send(const WireLine& line) {
    const std::string text = line.text();
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        throw LaunchError(std::string("the connection to the launcher (PMI_FD) is broken: ") +
                          std::strerror(errno));
      done += static_cast<std::size_t>(n);
    }
  }

  void try_to_send(const WireLine& line) noexcept {
    try {
      send(line);
    } catch (const std::exception&) {  // it is gone, which is what we were about to say
    }
  }

  void try_to_finalize() noexcept {
    try {
      send(WireLine("finalize"));
      static_cast<void>(receive("finalize_ack", base::now_ns() + kPatience));
    } catch (const std::exception&) {
    }
  }

  // The next line; nothing when the deadline passed first.
  std::optional<std::string> next_line(std::uint64_t deadline_ns) {
    for (;;) {
      const std::size_t end = input_.find('\n');
      if (end != std::string::npos) {
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        return line;
      }
      if (input_.size() > kLongestLine)
        throw LaunchError("the launcher (PMI_FD) sends no PMI lines");
      if (!base::wait_readable(fd_, deadline_ns)) return std::nullopt;
      char bytes[4096];
      const ssize_t n = read(fd_, bytes, sizeof bytes);
      if (n > 0) {
        input_.append(bytes, static_cast<std::size_t>(n));
      } else if (n == 0) {
        throw LaunchError("the launcher closed its connection (PMI_FD)");
      } else if (errno != EINTR && errno != EAGAIN) {
        throw LaunchError(std::string("the connection to the launcher (PMI_FD) is broken: ") +
                          std::strerror(errno));
      }
    }
  }

  // The next line of that kind: a late barrier_out may come before it.
  std::optional<WireLine> receive(std::string_view command, std::uint64_t deadline_ns) {
    while (std::optional<std::string> line = next_line(deadline_ns)) {
      WireLine reply = WireLine::parse(*line);
      if (reply.command() == command) return reply;
    }
    return std::nullopt;
  }

  WireLine ask(const WireLine& request, std::string_view answer, std::uint64_t deadline_ns) {
    send(request);
    std::optional<WireLine> reply = receive(answer, deadline_ns);
    if (!reply)
      throw LaunchError("the launcher (PMI_FD) does not answer cmd=" +
                        std::string(request.command()));
    return *reply;
  }

  int fd_;
  Pe rank_;
  Pe size_;
  bool says_abort_;
  std::size_t value_limit_ = 0;
  std::string space_;
  std::string input_;
  bool ours_ = false;
  bool busy_ = true;  // init was said last
};

}  // namespace

std::unique_ptr<Pmi> join_by_wire(int fd, Pe rank, Pe size, bool says_abort,
                                  std::uint64_t deadline_ns) {
  auto pmi = std::make_unique<WirePmi>(fd, rank, size, says_abort);
  pmi->join(deadline_ns);
  return pmi;
}

}  // namespace lamellar::lamellae

#pragma once
// The launcher's end of a PMI socket, played by a thread.
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/thread.hpp"
#include "lamellae/bootstrap/wire_line.hpp"

namespace lamellar::lamellae {

class FakeServer {
 public:
  // Gives the text to send for a request; kHangUp closes the connection.
  using Answer = std::function<std::string(const WireLine& request)>;
  static constexpr char kHangUp[] = "hang up";

  // piece: how many bytes go out at once.
  explicit FakeServer(Answer answer, std::size_t piece = 4096)
      : answer_(std::move(answer)), piece_(piece) {
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_);
    thread_ = std::make_unique<base::Thread>("fake-pmi", [this] { serve(); });
  }
  ~FakeServer() {
    close(fds_[0]);
    thread_->join();
  }
  int client_fd() const { return fds_[0]; }
  // Only after the client has got an answer to its last request.
  const std::vector<std::string>& seen() const { return seen_; }

 private:
  void serve() {
    std::string input;
    char bytes[256];
    for (ssize_t n = 0; (n = read(fds_[1], bytes, sizeof bytes)) > 0;) {
      input.append(bytes, static_cast<std::size_t>(n));
      for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
        const std::string line = input.substr(0, end);
        input.erase(0, end + 1);
        seen_.push_back(line);
        const std::string reply = answer_(WireLine::parse(line));
        if (reply == kHangUp) {
          close(fds_[1]);
          return;
        }
        for (std::size_t at = 0; at < reply.size(); at += piece_)
          if (send(fds_[1], reply.data() + at, std::min(piece_, reply.size() - at),
                   MSG_NOSIGNAL) < 0)
            break;
      }
    }
    close(fds_[1]);
  }

  Answer answer_;
  std::size_t piece_;
  int fds_[2] = {-1, -1};
  std::vector<std::string> seen_;
  std::unique_ptr<base::Thread> thread_;
};

}  // namespace lamellar::lamellae

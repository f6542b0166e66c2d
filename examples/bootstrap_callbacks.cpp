// Processes that find each other by means of their own: here fork() and pairs of sockets.
// bootstrap_callbacks [N]: N processes (2), each of them a PE.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <lamellar/world.hpp>
#include <stdexcept>
#include <vector>

// Process 0 has a socket to each other one; they have one to it.
struct Star {
  unsigned rank = 0;
  std::vector<int> sockets;  // of process 0: by rank, its own is -1; of others: one

  static void send_all(int socket, const std::byte* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) throw std::runtime_error("another process has gone");
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    }
  }

  static void receive_all(int socket, std::byte* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t got = recv(socket, bytes, size, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw std::runtime_error("another process has gone");
      bytes += got;
      size -= static_cast<std::size_t>(got);
    }
  }

  void allgather(const void* mine, void* all, std::size_t size, unsigned processes) const {
    auto* const out = static_cast<std::byte*>(all);
    if (rank != 0) {
      send_all(sockets[0], static_cast<const std::byte*>(mine), size);
      return receive_all(sockets[0], out, size * processes);
    }
    std::memcpy(out, mine, size);
    for (unsigned i = 1; i < processes; ++i) receive_all(sockets[i], out + i * size, size);
    for (unsigned i = 1; i < processes; ++i) send_all(sockets[i], out, size * processes);
  }
};

// What a program gives to the library.
lamellar::UserBootstrap callbacks_of(const Star& star, unsigned processes) {
  lamellar::UserBootstrap callbacks;
  callbacks.rank = star.rank;
  callbacks.size = processes;
  callbacks.allgather = [&star, processes](const void* mine, void* all, std::size_t bytes) {
    star.allgather(mine, all, bytes, processes);
  };
  callbacks.barrier = [&star, processes] {
    const char here = 1;
    std::vector<char> everybody(processes);
    star.allgather(&here, everybody.data(), 1, processes);
  };
  return callbacks;
}

struct Square {
  unsigned number;
  unsigned exec(lamellar::Context&) const { return number * number; }
};
LAMELLAR_AM(Square, number);

int run(int argc, char** argv, const Star& star, unsigned processes) {
  return lamellar::WorldBuilder()
      .bootstrap(callbacks_of(star, processes))
      .launch(argc, argv, [](lamellar::World& world) {
        const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
        const unsigned square = world.exec_am_pe<Square>(next, world.my_pe()).block();
        std::printf("process %d is PE %u of %u\n", static_cast<int>(getpid()), world.my_pe(),
                    world.num_pes());
        return square == world.my_pe() * world.my_pe() ? 0 : 1;
      });
}

int main(int argc, char** argv) {
  const int asked = argc > 1 ? std::atoi(argv[1]) : 2;
  if (asked < 1 || asked > 64) {
    std::fprintf(stderr, "usage: bootstrap_callbacks [1..64]\n");
    return 2;
  }
  const auto processes = static_cast<unsigned>(asked);
  Star star;
  star.sockets.assign(processes, -1);
  std::vector<pid_t> children;
  for (unsigned i = 1; i < processes; ++i) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return 2;
    const pid_t child = fork();  // before the library is used: a world does not survive it
    if (child < 0) return 2;
    if (child == 0) {
      for (const int of_parent : star.sockets)
        if (of_parent >= 0) close(of_parent);
      close(pair[0]);
      star.rank = i;
      star.sockets.assign(1, pair[1]);
      return run(argc, argv, star, processes);
    }
    close(pair[1]);
    star.sockets[i] = pair[0];
    children.push_back(child);
  }
  int status = run(argc, argv, star, processes);
  for (const pid_t child : children) {
    int ended = 0;
    waitpid(child, &ended, 0);
    if (status == 0 && ended != 0) status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 1;
  }
  return status;
}

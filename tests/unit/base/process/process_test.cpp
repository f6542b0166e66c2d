#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/process/event_loop.hpp"
#include "base/process/signals.hpp"
#include "base/process/spawn.hpp"
#include "base/process/tree.hpp"

namespace lamellar::base {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    for (const int fd : ends)
      if (fd >= 0) close(fd);
  }
  void put(const char* text) const { EXPECT_EQ(write(ends[1], text, 1), 1); }
  char get() const {
    char c = 0;
    EXPECT_EQ(read(ends[0], &c, 1), 1);
    return c;
  }
  void close_end(int which) {
    close(ends[which]);
    ends[which] = -1;
  }
  int ends[2] = {-1, -1};
};

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.command = {"sh", "-c", script};
  sigemptyset(&request.signal_mask);
  return request;
}

int status_of(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(WaitReadable, DataOrTheEndOrTheDeadline) {
  Pipe pipe;
  EXPECT_FALSE(wait_readable(pipe.ends[0], now_ns()));
  EXPECT_FALSE(wait_readable(pipe.ends[0], now_ns() + 2'000'000));
  pipe.put("x");
  EXPECT_TRUE(wait_readable(pipe.ends[0], kForever));
  pipe.get();
  pipe.close_end(1);
  EXPECT_TRUE(wait_readable(pipe.ends[0], kForever));
}

TEST(EventLoop, CallsForWhatIsReady) {
  EventLoop loop;
  Pipe one;
  Pipe two;
  std::string seen;
  loop.watch(one.ends[0], [&] { seen += one.get(); });
  loop.watch(two.ends[0], [&] {
    seen += two.get();
    loop.forget(two.ends[0]);
  });
  EXPECT_FALSE(loop.run_once(now_ns()));
  one.put("1");
  EXPECT_TRUE(loop.run_once());
  EXPECT_EQ(seen, "1");
  two.put("2");
  EXPECT_TRUE(loop.run_once());
  two.put("3");
  EXPECT_FALSE(loop.run_once(now_ns()));
  EXPECT_EQ(seen, "12");
}

TEST(EventLoop, WhatIsForgottenMeanwhileIsNotCalled) {
  EventLoop loop;
  Pipe one;
  Pipe two;
  int calls = 0;
  const auto once = [&] {
    ++calls;
    loop.forget(one.ends[0]);
    loop.forget(two.ends[0]);
  };
  loop.watch(one.ends[0], once);
  loop.watch(two.ends[0], once);
  one.put("1");
  two.put("2");
  EXPECT_TRUE(loop.run_once());
  EXPECT_EQ(calls, 1);
}

TEST(Signals, HaveNames) {
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(63), "signal 63");
}

TEST(Signals, AreEvents) {
  SignalEvents events({SIGUSR2});
  EXPECT_FALSE(events.next().has_value());
  kill(getpid(), SIGUSR2);
  const auto event = events.next();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->signal, SIGUSR2);
  EXPECT_FALSE(event->from_terminal);
  EXPECT_FALSE(events.next().has_value());
}

TEST(Spawn, RunsWithItsEnvironmentAndDescriptors) {
  Pipe pipe;
  SpawnRequest request = shell("echo $WORD-$0 >&7; exit 5");
  request.environment = {"WORD=a", "PATH=/usr/bin:/bin"};
  request.fds = {{pipe.ends[1], 7}};
  const SpawnResult result = spawn(request);
  ASSERT_GT(result.pid, 0) << result.step;
  pipe.close_end(1);
  std::string text;
  char bytes[64];
  for (ssize_t n = 0; (n = read(pipe.ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(n));
  EXPECT_EQ(text, "a-sh\n");
  EXPECT_EQ(status_of(result.pid), 5);
}

TEST(Spawn, SaysWhyAProgramDoesNotStart) {
  SpawnRequest request = shell("");
  request.command = {"/no/such/program"};
  SpawnResult result = spawn(request);
  EXPECT_EQ(result.pid, -1);
  EXPECT_EQ(result.error, ENOENT);
  EXPECT_STREQ(result.step, "start");
  request.command = {"/etc/passwd"};
  EXPECT_EQ(spawn(request).error, EACCES);
  request.cpus = {1000};
  result = spawn(request);
  EXPECT_EQ(result.pid, -1);
  EXPECT_STREQ(result.step, "sched_setaffinity");
}

TEST(Spawn, TheChildHasNoSignalBlockedAndDiesWithUs) {
  SignalsHeldBack quiet;
  const SpawnResult result = spawn(shell("grep -q 'SigBlk:.0*$' /proc/self/status"));
  EXPECT_EQ(status_of(result.pid), 0);

  // A process that spawns a long sleep and is killed: the sleep's end closes the pipe.
  Pipe pipe;
  const pid_t middle = fork();
  if (middle == 0) {
    SpawnRequest request = shell("exec sleep 1000");
    request.environment = {"PATH=/usr/bin:/bin"};
    request.fds = {{pipe.ends[1], 1}};
    const SpawnResult sleeper = spawn(request);
    if (sleeper.pid < 0) _exit(1);
    if (write(pipe.ends[1], "r", 1) != 1) _exit(1);
    kill(getpid(), SIGKILL);
  }
  pipe.close_end(1);
  EXPECT_EQ(pipe.get(), 'r');
  EXPECT_EQ(status_of(middle), 128 + SIGKILL);
  char c = 0;
  EXPECT_EQ(read(pipe.ends[0], &c, 1), 0);
}

TEST(Tree, KnowsChildren) {
  Pipe pipe;
  SpawnRequest request = shell("read x");
  request.fds = {{pipe.ends[0], 0}};
  const SpawnResult child = spawn(request);
  EXPECT_EQ(process_info(child.pid).parent, getpid());
  EXPECT_EQ(process_info(child.pid).name, "sh");
  EXPECT_EQ(children_of(getpid()), std::vector<pid_t>{child.pid});
  const int fd = open_pidfd(child.pid);
  EXPECT_FALSE(wait_readable(fd, now_ns()));
  kill(child.pid, SIGKILL);
  EXPECT_TRUE(wait_readable(fd, kForever));
  EXPECT_EQ(status_of(child.pid), 128 + SIGKILL);
  EXPECT_TRUE(children_of(getpid()).empty());
  EXPECT_EQ(process_info(child.pid).parent, 0);
  EXPECT_EQ(open_pidfd(child.pid), -1);
  close(fd);
}

}  // namespace
}  // namespace lamellar::base

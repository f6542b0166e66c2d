#include "base/wait/wait.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace lamellar::base {
namespace {

// What dump_waits writes.
std::string table() {
  int ends[2];
  EXPECT_EQ(0, pipe(ends));
  std::string text;
  std::thread reader([&] {
    char bytes[4096];
    for (ssize_t n = 0; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<std::size_t>(n));
  });
  dump_waits(ends[1]);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  return text;
}

std::size_t lines_with(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    found += line.find(part) != std::string::npos;
  return found;
}

TEST(Wait, TellsWhoWaitsForWhatAndWhere) {
  const WaitScope wait({"a thing", 3, 5, 17, std::source_location::current()});
  const std::string here = "wait_test.cpp:" + std::to_string(__LINE__ - 1) + " in ";
  const std::string text = table();
  EXPECT_EQ(1u, lines_with(text, "PE 3 waits for a thing #17 of PE 5 since ")) << text;
  EXPECT_EQ(1u, lines_with(text, here)) << text;
  EXPECT_EQ(1u, lines_with(text, "in process " + std::to_string(getpid()))) << text;
}

TEST(Wait, LeavesTheTableAtItsEnd) {
  {
    const WaitScope wait({"a short thing", 1, kNoPeer, 0, std::source_location::current()});
    const std::string text = table();
    EXPECT_EQ(1u, lines_with(text, "PE 1 waits for a short thing #0 since ")) << text;
  }
  EXPECT_EQ(0u, lines_with(table(), "a short thing"));
  WaitScope wait({"another", kNoPeer, kNoPeer, 0, {}});
  EXPECT_EQ(1u, lines_with(table(), "PE ? waits for another #0 since "));
  wait.leave();
  wait.leave();
  EXPECT_EQ(0u, lines_with(table(), "another"));
}

TEST(Wait, MovesAndTellsTheNextPeer) {
  WaitScope first({"moved", 1, 2, 0, {}});
  WaitScope second(std::move(first));
  first.leave();
  second.peer(4);
  EXPECT_EQ(1u, lines_with(table(), "moved #0 of PE 4")) << table();
  WaitScope third;
  third.peer(9);
  third = std::move(second);
  EXPECT_EQ(1u, lines_with(table(), "moved"));
  third = WaitScope({"replaced", 1, kNoPeer, 0, {}});
  EXPECT_EQ(0u, lines_with(table(), "moved"));
  EXPECT_EQ(1u, lines_with(table(), "replaced"));
}

TEST(Wait, LongNamesAreCut) {
  static const std::string name(1000, 'n');
  const WaitScope wait({name.c_str(), 1, kNoPeer, 0, {}});
  EXPECT_EQ(1u, lines_with(table(), std::string(400, 'n')));
}

// The number in the last line: waits that were ever entered without a place to show them.
std::size_t not_shown(const std::string& text) {
  const std::string mark = " shown, ";
  return std::stoul(text.substr(text.rfind(mark) + mark.size()));
}

TEST(Wait, WhatDoesNotFitIsCounted) {
  const std::size_t before = not_shown(table());
  std::vector<WaitScope> many;
  for (int i = 0; i < 5000; ++i) many.emplace_back(WaitInfo{"one of many", 1, kNoPeer, 0, {}});
  const std::string text = table();
  const std::size_t shown = lines_with(text, "one of many");
  EXPECT_GT(shown, 4000u);
  EXPECT_LT(shown, 5000u);
  EXPECT_EQ(before + 5000 - shown, not_shown(text));
  many.clear();
  EXPECT_EQ(0u, lines_with(table(), "one of many"));
}

TEST(Wait, ThreadsComeAndGoWhileSomebodyLooks) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint32_t pe = 0; pe < 3; ++pe)
    threads.emplace_back([&stop, pe] {
      while (!stop.load()) {
        const WaitScope outer({"outer", pe, kNoPeer, 0, std::source_location::current()});
        const WaitScope inner({"inner", pe, kNoPeer, 1, std::source_location::current()});
      }
    });
  for (int i = 0; i < 50; ++i) {
    const std::string text = table();
    // A table is no snapshot: a thread may be met in several places. Every line is whole.
    EXPECT_EQ(lines_with(text, " waits for outer #0 since ") +
                  lines_with(text, " waits for inner #1 since "),
              lines_with(text, "wait_test.cpp:"))
        << text;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(0u, lines_with(table(), " waits for outer") + lines_with(table(), "waits for inner"));
}

void handler_of_the_program(int) {}

TEST(WaitSignal, IsTakenOnlyWhereItIsFree) {
  struct sigaction before {};
  sigaction(SIGUSR2, nullptr, &before);
  signal(SIGUSR2, &handler_of_the_program);
  EXPECT_FALSE(dump_waits_on_signal(SIGUSR2));
  struct sigaction now {};
  sigaction(SIGUSR2, nullptr, &now);
  EXPECT_EQ(&handler_of_the_program, now.sa_handler);
  signal(SIGUSR2, SIG_DFL);
  EXPECT_TRUE(dump_waits_on_signal(SIGUSR2));
  EXPECT_TRUE(dump_waits_on_signal(SIGUSR2)) << "ours already";
  sigaction(SIGUSR2, &before, nullptr);
}

}  // namespace
}  // namespace lamellar::base

// The table, the options and the output.
#include "table.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "options.hpp"
#include "output.hpp"

namespace wordcount {
namespace {

TEST(WordTableConcurrent, CountsFromManyThreads) {
  WordTable table;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table] {
      for (int i = 0; i < 1000; ++i) table.add("word" + std::to_string(i % 10), 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const TableTotals totals = table.sort();
  EXPECT_EQ(totals.messages, 4000U);
  EXPECT_EQ(totals.occurrences, 8000U);
  EXPECT_EQ(totals.distinct, 10U);
  for (const Entry& entry : table.page(0, 1U << 20U)) EXPECT_EQ(entry.count, 800U) << entry.word;
}

TEST(WordTable, SortsByCountThenBytes) {
  WordTable table;
  table.add("b", 2);
  table.add("aa", 2);
  table.add("rare", 1);
  table.add("a", 2);
  table.add("often", 9);
  table.sort();
  std::string words;
  for (const Entry& entry : table.page(0, 1U << 20U)) words += entry.word + ' ';
  EXPECT_EQ(words, "often a aa b rare ");
}

TEST(WordTable, GivesPagesOfBoundedSize) {
  WordTable table;
  const std::string long_word(100000, 'x');
  table.add(long_word, 100);
  for (int i = 0; i < 100; ++i) table.add("word" + std::to_string(i), 1);
  table.sort();
  std::uint64_t first = 0;
  std::size_t pages = 0;
  for (auto page = table.page(0, 1000); !page.empty(); page = table.page(first, 1000)) {
    EXPECT_LE(page.size(), first == 0 ? 1U : 26U);
    first += page.size();
    ++pages;
  }
  EXPECT_EQ(first, 101U);
  EXPECT_GE(pages, 5U);
}

TEST(Combiner, KeepsCountsAndSaysWhenItIsLarge) {
  Combiner combiner;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(combiner.add("word"));
  EXPECT_FALSE(combiner.add("other"));
  EXPECT_TRUE(combiner.add(std::string(9 << 20, 'x')));
  std::uint64_t count = 0;
  int sent = 0;
  const auto send = [&](std::string_view, std::uint64_t n) { ++sent, count += n; };
  combiner.flush(send);
  EXPECT_EQ(sent, 3);
  EXPECT_EQ(count, 1002U);
  combiner.flush(send);
  EXPECT_EQ(sent, 3);
  EXPECT_FALSE(combiner.add("again"));
}

TEST(Options, AreParsed) {
  const Options defaults = parse_options({});
  EXPECT_EQ(defaults.top, 20U);
  EXPECT_FALSE(defaults.combine);
  EXPECT_TRUE(defaults.paths.empty());
  const Options options = parse_options({"a", "--all", "out", "--combine", "--top=3", "b", "--",
                                         "--top", "-x"});
  EXPECT_EQ(options.all_file, "out");
  EXPECT_TRUE(options.combine);
  EXPECT_EQ(options.top, 3U);
  EXPECT_EQ(options.paths, (std::vector<std::string>{"a", "b", "--top", "-x"}));
  EXPECT_TRUE(parse_options({"--help"}).help);
}

TEST(Options, OfTheLibraryArePassedOver) {
  const Options options = parse_options({"--lamellar-num-pes", "3", "a", "--lamellar-threads=2"});
  EXPECT_EQ(options.paths, std::vector<std::string>{"a"});
}

TEST(Options, ThatAreWrongAreNamed) {
  const auto complaint = [](const std::vector<std::string>& arguments) -> std::string {
    try {
      parse_options(arguments);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(complaint({"--al", "x"}), "unknown option '--al'; --help lists the options");
  EXPECT_EQ(complaint({"-n"}), "unknown option '-n'; --help lists the options");
  EXPECT_EQ(complaint({"--all"}), "option '--all' needs a value");
  EXPECT_EQ(complaint({"--all="}), "option '--all' needs a value");
  EXPECT_EQ(complaint({"--all", "--combine"}), "option '--all' needs a value");
  EXPECT_EQ(complaint({"--top", "-1"}), "option '--top' takes a number, not '-1'");
  EXPECT_EQ(complaint({"--top", "3x"}), "option '--top' takes a number, not '3x'");
  EXPECT_EQ(complaint({"--combine=yes"}), "option '--combine' takes no value");
  EXPECT_EQ(complaint({""}), "an empty PATH");
}

TEST(Output, FormatsBytesForPeople) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1234), "1.23 kB");
  EXPECT_EQ(format_bytes(49.7e6), "49.7 MB");
  EXPECT_EQ(format_bytes(812.4e9), "812 GB");
}

TEST(Output, ShortensLongWords) {
  EXPECT_EQ(shorten("word"), "word");
  EXPECT_EQ(shorten("a\nb\x1b[1m"), "a?b?[1m");
  EXPECT_EQ(shorten(std::string(3145728, 'x'), 4), "xxxx... (3145728 bytes)");
}

PeReport report(std::uint64_t words, std::uint64_t sent, std::uint64_t executed,
                std::uint64_t counted) {
  PeReport made;
  made.words = words;
  made.sent = sent;
  made.owned.messages = executed;
  made.owned.occurrences = counted;
  return made;
}

TEST(Output, TotalsMustAgree) {
  EXPECT_TRUE(print_totals({report(3, 3, 1, 1), report(0, 0, 2, 2)}, 1, true));
  EXPECT_TRUE(print_totals({report(9, 3, 3, 9)}, 1, false));
  EXPECT_FALSE(print_totals({report(9, 3, 3, 9)}, 1, true));
  EXPECT_FALSE(print_totals({report(3, 3, 2, 3)}, 1, true));
  EXPECT_FALSE(print_totals({report(3, 3, 3, 2)}, 1, true));
  EXPECT_FALSE(print_totals({report(9, 3, 3, 8)}, 1, false));
  EXPECT_FALSE(print_totals({report(9, 3, 4, 9)}, 1, false));
}

}  // namespace
}  // namespace wordcount

// What lamellar-bench prints: with --json nothing but JSON of a fixed shape.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <set>

#include "bench/json.hpp"
#include "harness/report.hpp"

namespace bench_tests {
namespace {

struct Ended {
  int status = -1;
  std::string out;
};

// Standard error goes to that of the test. `environment`: assignments in front of the program.
Ended bench_program(const std::string& arguments, const std::string& environment = "") {
  Ended ended;
  FILE* pipe =
      popen((environment + LAMELLAR_BENCH_PROGRAM + " " + arguments).c_str(), "r");
  if (pipe == nullptr) return ended;
  char bytes[4096];
  for (std::size_t got; (got = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;)
    ended.out.append(bytes, got);
  const int status = pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

std::set<std::string> keys(const Json& object) {
  std::set<std::string> all;
  for (const auto& [key, value] : object.object) all.insert(key);
  return all;
}

void expect_row(const Json& row, bool judged) {
  const std::set<std::string> wanted = {"name", "unit", "ours",  "spread",
                                        "limit", "peer", "ratio", "ratio_spread",
                                        "bar",   "verdict", "regime"};
  EXPECT_EQ(wanted, keys(row));
  EXPECT_EQ(Json::kText, row.at("name").kind);
  EXPECT_EQ(Json::kText, row.at("unit").kind);
  EXPECT_EQ(Json::kNumber, row.at("spread").kind);
  for (const char* key : {"ours", "limit", "peer", "ratio"})
    EXPECT_TRUE(row.at(key).kind == Json::kNumber || row.at(key).kind == Json::kNull) << key;
  const std::set<std::string> regimes = {"near", "any", "far", "unfit"};
  EXPECT_EQ(1u, regimes.count(row.at("regime").text)) << row.at("regime").text;
  if (!judged) return;
  EXPECT_EQ(Json::kText, row.at("bar").kind);
  const std::set<std::string> verdicts = {"holds", "below", "far"};
  EXPECT_EQ(1u, verdicts.count(row.at("verdict").text)) << row.at("verdict").text;
}

void expect_probe(const Json& probe) {
  const std::set<std::string> wanted = {"group", "before_ns", "after_ns", "regime", "others"};
  EXPECT_EQ(wanted, keys(probe));
  EXPECT_GT(probe.at("before_ns").number, 0);
}

class OnLamella : public ::testing::TestWithParam<const char*> {};

TEST_P(OnLamella, JsonOfARowWithABar) {
  const std::string arguments = std::string("--smoke --json --only 'barrier, 2 PEs' --lamella ");
  const Ended ended = bench_program(arguments + GetParam() + " messages");
  ASSERT_EQ(0, ended.status) << ended.out;
  const Json all = Json::parse(ended.out);
  EXPECT_EQ((std::set<std::string>{"rows", "info", "probes"}), keys(all));
  ASSERT_EQ(1u, all.at("rows").list.size()) << ended.out;
  const Json& row = all.at("rows").list[0];
  expect_row(row, true);
  EXPECT_EQ("barrier, 2 PEs", row.at("name").text);
  EXPECT_GT(row.at("ours").number, 0);
  EXPECT_GT(row.at("limit").number, 0);
  EXPECT_TRUE(all.at("info").list.empty());
  ASSERT_EQ(1u, all.at("probes").list.size());
  expect_probe(all.at("probes").list[0]);
}

INSTANTIATE_TEST_SUITE_P(Output, OnLamella, ::testing::Values("local", "shmem"));

TEST(Output, RowsWithoutABarAreInfo) {
  const Ended ended =
      bench_program("--smoke --json --bars interim --only 'barrier, 2 PEs' messages");
  ASSERT_EQ(0, ended.status) << ended.out;
  const Json all = Json::parse(ended.out);
  EXPECT_TRUE(all.at("rows").list.empty());
  ASSERT_EQ(1u, all.at("info").list.size());
  expect_row(all.at("info").list[0], false);
  EXPECT_EQ(Json::kNull, all.at("info").list[0].at("bar").kind);
}

TEST(Output, ALimit) {
  const Ended ended = bench_program("--smoke --json --only cache-line limits");
  ASSERT_EQ(0, ended.status) << ended.out;
  const Json all = Json::parse(ended.out);
  ASSERT_EQ(1u, all.at("info").list.size());
  const Json& row = all.at("info").list[0];
  EXPECT_EQ(Json::kNull, row.at("ours").kind);
  EXPECT_GT(row.at("limit").number, 0);
}

// Every case of the tasks, ours and (where it is installed) that of oneTBB.
TEST(Output, Tasks) {
  const Ended ended = bench_program("--smoke --json tasks");
  ASSERT_EQ(0, ended.status) << ended.out;
  const Json all = Json::parse(ended.out);
  ASSERT_EQ(9u, all.at("rows").list.size()) << ended.out;
  for (const Json& row : all.at("rows").list) {
    expect_row(row, true);
    EXPECT_GT(row.at("ours").number, 0) << row.at("name").text;
    EXPECT_EQ(Json::kNull, row.at("limit").kind);
#ifdef LAMELLAR_BENCH_TBB
    EXPECT_GT(row.at("peer").number, 0) << row.at("name").text;
    EXPECT_GT(row.at("ratio").number, 0) << row.at("name").text;
#else
    EXPECT_EQ(Json::kNull, row.at("peer").kind) << row.at("name").text;
#endif
  }
  for (const Json& row : all.at("info").list) expect_row(row, false);
}

// Ours is measured whatever is installed; a peer that is not is left out, and told.
TEST(Output, HistogramsBesideThePeers) {
  const std::string arguments = "--smoke --json --only histogram_1e4 messages";
  const Ended ended = bench_program(arguments);
  ASSERT_EQ(0, ended.status) << ended.out;
  const Json all = Json::parse(ended.out);
  ASSERT_EQ(1u, all.at("rows").list.size()) << ended.out;
  expect_row(all.at("rows").list[0], true);
  EXPECT_GT(all.at("rows").list[0].at("ours").number, 0);
  EXPECT_GT(all.at("rows").list[0].at("limit").number, 0);
  std::size_t peers = 0;
  for (const Json& row : all.at("info").list) {
    expect_row(row, false);
    if (row.at("ours").kind == Json::kNull && row.at("peer").number > 0) ++peers;
    if (row.at("name").text == "histogram by AM beside the best peer" &&
        row.at("peer").kind == Json::kNumber) {
      EXPECT_GT(row.at("ratio").number, 0);
      EXPECT_EQ(row.at("peer").number, all.at("rows").list[0].at("peer").number);
    }
  }
  EXPECT_EQ(std::size_t{LAMELLAR_BENCH_HISTOGRAMS}, peers) << ended.out;
}

TEST(Output, APeerThatIsMissingIsLeftOut) {
  const Ended ended = bench_program(
      "--smoke --only histogram_1e4 messages 2>&1", "PATH=/nowhere ");
  ASSERT_EQ(0, ended.status) << ended.out;
  for (const char* peer : {"Open MPI", "MPICH", "OpenSHMEM (Open MPI's)"})
    EXPECT_NE(std::string::npos,
              ended.out.find(std::string("left out: histogram with ") + peer +
                             ", which is not installed"))
        << ended.out;
  EXPECT_NE(std::string::npos, ended.out.find("histogram by AM beside the best peer"));
  EXPECT_EQ(std::string::npos, ended.out.find("MPI_Accumulate"));
}

TEST(Output, WrongOptions) {
  for (const char* wrong : {"--bars best", "--repeats many", "nothing", "--only no-such-row"}) {
    const Ended ended = bench_program(wrong);
    EXPECT_EQ(2, ended.status) << wrong;
    EXPECT_EQ("", ended.out) << wrong;
  }
}

TEST(Output, AProgramThatFailsIsAnErrorAndStillJson) {
  const Ended ended =
      bench_program("--smoke --json --lamella nonsense --only 'barrier, 2 PEs' messages");
  EXPECT_EQ(1, ended.status);
  EXPECT_TRUE(Json::parse(ended.out).at("rows").list.empty());
}

TEST(Report, QuotesAndMissingFigures) {
  bench::GroupOutcome group;
  bench::Outcome outcome;
  outcome.row.name = "a \"row\" \\ with\ttab";
  outcome.bar.absolute = 1;
  outcome.verdict = "below";
  group.rows.push_back(outcome);
  bench::Report report;
  report.add(group);
  EXPECT_EQ(std::string::npos, report.json().find('\t'));
  EXPECT_NE(std::string::npos, report.json().find("a \\\"row\\\" \\\\ with\\u0009tab"));
  EXPECT_NE(std::string::npos, report.json().find("\"ours\":null"));
}

}  // namespace
}  // namespace bench_tests

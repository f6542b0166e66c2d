#include <cxxabi.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <lamellar/testing.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include "world/testing/desk.hpp"
#include "world/testing/options.hpp"
#include "world/testing/results.hpp"

namespace lamellar::testing {
namespace {

constexpr int kUnusable = 2;  // wrong options

std::vector<MultiTest>& all_tests() {
  static std::vector<MultiTest> tests;
  return tests;
}

// Failures on threads that work for no PE of a suite: nobody's, so they fail the whole.
constinit std::atomic<unsigned> g_strays{0};

// Notes what EXPECT_ and ASSERT_ report with the PE whose thread reported it.
class Listener final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const ::testing::TestPartResult& part) override {
    if (part.passed()) return;
    Desk* const desk = Desk::of_this_thread();
    std::string text = part.file_name() == nullptr ? "unknown place" : part.file_name();
    text += ":" + std::to_string(part.line_number()) + ": " + part.message();
    if (part.skipped()) {
      if (desk != nullptr) desk->add_skip(part.message());
    } else if (desk != nullptr) {
      const Pe pe = detail::my_pe_of(*detail::this_thread().engine);
      print("  PE " + std::to_string(pe) + ": " + text + "\n");
      desk->add_failure(std::move(text));
    } else {
      print("  a thread that works for no PE: " + text + "\n");
      g_strays.fetch_add(1);
    }
  }
};

std::string describe_current_exception() {
  std::string type = "unknown type";
  if (const std::type_info* const info = abi::__cxa_current_exception_type()) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(info->name(), nullptr, nullptr, &status), &std::free);
    type = status == 0 ? name.get() : info->name();
  }
  try {
    throw;
  } catch (const std::exception& error) {
    return type + ": " + error.what();
  } catch (...) {
    return type;
  }
}

// The suite in one job.
class Session {
 public:
  Session(const Options& options, std::vector<MultiTest> tests, std::string label)
      : options_(options), label_(std::move(label)) {
    for (unsigned round = 0; round < options.repeat; ++round)
      tests_.insert(tests_.end(), tests.begin(), tests.end());
    for (const MultiTest& test : tests_) results_.push_back({&test, Outcome::kNotRun, {}});
  }

  int run() {
    std::string program = "multi";
    std::vector<std::string> args = options_.rest;
    std::vector<char*> argv{program.data()};
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    int argc = static_cast<int>(argv.size()) - 1;
    const int status = launch(argc, argv.data(), [&](World& world) {
      if (argc > 1) {
        if (world.my_pe() == 0) print("unknown option '" + std::string(argv[1]) + "'\n");
        return kUnusable;
      }
      if (world.my_pe() == 0) pe_0_here_.store(true);
      started_.store(true);
      run_pe(world);
      return 0;
    });
    if (status != 0 && !told_elsewhere()) mark_unfinished(status);
    return status;
  }

  const std::vector<Result>& results() const { return results_; }
  // PE 0 was in another process, which tells the results.
  bool told_elsewhere() const { return started_.load() && !pe_0_here_.load(); }

 private:
  void run_pe(World& world) {
    const PeLocal<Desk> desk(world, world.engine(),
                             [this](std::uint32_t index, const std::vector<PeReport>& reports) {
                               verdict(index, reports);
                             });
    for (std::uint32_t index = 0; index < tests_.size(); ++index) {
      const MultiTest& test = tests_[index];
      if (test.min_pes > world.num_pes()) {
        if (world.my_pe() == 0) skip(index, world.num_pes());
        continue;
      }
      if (world.my_pe() == 0) print(label_ + "[ RUN      ] " + full_name(test) + "\n");
      run_body(world, test, desk.local(world));
      // What others still send here belongs to this test: first all end it, then all report.
      world.exec_am_pe<Arrive>(0, desk, index, false, Report{}).block();
      world.wait_all();  // what messages of the others have sent from here
      world.exec_am_pe<Arrive>(0, desk, index, false, Report{}).block();
      world.exec_am_pe<Arrive>(0, desk, index, true, desk.local(world).take_report()).block();
    }
  }

  void run_body(World& world, const MultiTest& test, Desk& desk) {
    try {
      test.body(world);
      world.wait_all();
    } catch (const JobFailed&) {
      throw;  // the end of everything; launch() knows whether it was ours
    } catch (...) {
      const std::string text = "an exception left the body: " + describe_current_exception();
      print("  PE " + std::to_string(world.my_pe()) + ": " + text + "\n");
      desk.add_failure(text);
      world.wait_all();
    }
  }

  // On PE 0, with everybody's report.
  void verdict(std::uint32_t index, const std::vector<PeReport>& reports) {
    Result& result = results_[index];
    std::string skips;
    for (const auto& [pe, report] : reports) {
      const std::string who = "PE " + std::to_string(pe) + ": ";
      for (const std::string& text : report.failures) result.text += who + text + "\n";
      for (const std::string& text : report.skips) skips += who + text + " ";
    }
    const std::string name = full_name(*result.test);
    if (!result.text.empty()) {
      result.outcome = Outcome::kFailed;
      print(label_ + "[  FAILED  ] " + name + "\n" + result.text);
    } else if (!skips.empty()) {
      result.outcome = Outcome::kSkipped;
      result.text = skips;
      print(label_ + "[  SKIPPED ] " + name + ": " + skips + "\n");
    } else {
      result.outcome = Outcome::kPassed;
      print(label_ + "[       OK ] " + name + "\n");
    }
  }

  void skip(std::uint32_t index, Pe num_pes) {
    Result& result = results_[index];
    result.outcome = Outcome::kTooFewPes;
    result.text = "needs " + std::to_string(result.test->min_pes) + " PEs, the job has " +
                  std::to_string(num_pes);
    print(label_ + "[  SKIPPED ] " + full_name(*result.test) + ": " + result.text + "\n");
  }

  // The job has failed: the test that ran then has failed, and those after it.
  void mark_unfinished(int status) {
    for (Result& result : results_) {
      if (result.outcome != Outcome::kNotRun) continue;
      result.outcome = Outcome::kFailed;
      result.text = "not run to its end: the job ended with status " + std::to_string(status);
      print(label_ + "[  FAILED  ] " + full_name(*result.test) + ": " + result.text + "\n");
    }
  }

  const Options& options_;
  const std::string label_;
  std::vector<MultiTest> tests_;
  std::vector<Result> results_;
  std::atomic<bool> started_{false};
  std::atomic<bool> pe_0_here_{false};
};

// The same order on every PE and in every process.
void shuffle(std::vector<MultiTest>& tests, std::uint64_t seed) {
  for (std::size_t left = tests.size(); left > 1; --left) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    std::swap(tests[left - 1], tests[(seed >> 33) % left]);
  }
}

std::vector<MultiTest> chosen_tests(const Options& options) {
  std::vector<MultiTest> tests = all_tests();
  std::erase_if(tests, [&](const MultiTest& test) {
    return !matches_filter(options.filter, full_name(test));
  });
  if (::testing::GTEST_FLAG(shuffle))
    shuffle(tests, static_cast<std::uint64_t>(::testing::GTEST_FLAG(random_seed)));
  return tests;
}

// Several jobs at once: each PE of an outer job, which sends nothing, runs one.
int run_sessions(std::vector<std::unique_ptr<Session>>& sessions) {
  if (sessions.size() == 1) return sessions[0]->run();
  return WorldBuilder()
      .force_num_pes(static_cast<Pe>(sessions.size()))
      .force_threads(1)
      .launch([&](World& world) { return sessions[world.my_pe()]->run(); });
}

int run_chosen(const Options& options, const std::vector<MultiTest>& tests) {
  std::vector<std::unique_ptr<Session>> sessions;
  for (unsigned world = 0; world < options.worlds; ++world)
    sessions.push_back(std::make_unique<Session>(
        options, tests, options.worlds == 1 ? "" : "world " + std::to_string(world) + " "));
  int status = run_sessions(sessions);
  if (sessions[0]->told_elsewhere()) return status;

  std::vector<Result> results;
  for (const auto& session : sessions)
    results.insert(results.end(), session->results().begin(), session->results().end());
  if (!options.report.empty() && !write_report(options.report, results)) {
    print("cannot write " + options.report + "\n");
    if (status == 0) status = 1;
  }
  Counts counts = count(results);
  counts.failed += g_strays.load();
  for (const Result& result : results)
    if (result.outcome == Outcome::kFailed) print("FAILED: " + full_name(*result.test) + "\n");
  if (counts.passed + counts.failed == 0) print("no test ran: that is a failure\n");
  print(std::to_string(counts.passed) + " passed, " + std::to_string(counts.failed) +
        " failed, " + std::to_string(counts.skipped) + " skipped\n");
  if (status == 0 && (counts.failed != 0 || counts.passed == 0)) status = 1;
  return status;
}

}  // namespace

bool add_multi_test(const MultiTest& test) {
  all_tests().push_back(test);
  return true;
}

int run_multi_tests(int argc, char** argv) {
  Options options;
  try {
    options = parse_options(argc, argv);
  } catch (const std::invalid_argument& error) {
    print(std::string(error.what()) + "\n");
    return kUnusable;
  }
  if (options.help) {
    print(kHelp);
    return 0;
  }
  int no_options = 1;
  ::testing::InitGoogleTest(&no_options, argv);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Listener);  // owned by the list

  const std::vector<MultiTest> tests = chosen_tests(options);
  if (!options.list) return run_chosen(options, tests);
  for (const MultiTest& test : tests)
    print(full_name(test) + " (" + std::to_string(test.min_pes) + " PEs)\n");
  return 0;
}

}  // namespace lamellar::testing

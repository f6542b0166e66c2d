// The kept corpus, and a fixed number of mutations of it, without a fuzzer. One seed is one input:
//   LAMELLAR_TEST_SEED=n          that input alone
//   LAMELLAR_TEST_FUZZ_SECONDS=s  seeds until that time is over
//   LAMELLAR_TEST_FUZZ_SAVE=file  where every input is written before it runs
#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "base/clock/clock.hpp"
#include "base/core/sanitizers.hpp"
#include "fuzz/mutate.hpp"
#include "fuzz/target.hpp"

namespace lamellar::fuzz {
namespace {

namespace fs = std::filesystem;

std::string g_input;  // the file or the seed of the input that runs

// A fault ends the process: say under which input.
void say_input(int signal_number) {
  g_input += '\n';
  static_cast<void>(!write(2, g_input.data(), g_input.size()));
  signal(signal_number, SIG_DFL);
}

#if defined(LAMELLAR_THREAD_SANITIZER) || defined(LAMELLAR_ADDRESS_SANITIZER)
constexpr std::uint64_t kMutations = 2000;
#else
constexpr std::uint64_t kMutations = 10000;
#endif

}  // namespace

// A sanitizer ends the process by itself.
extern "C" void __asan_on_error() { say_input(SIGABRT); }

namespace {

class Fuzz : public testing::TestWithParam<const Target*> {
 protected:
  void SetUp() override {
    signal(SIGABRT, say_input);
#if !defined(LAMELLAR_ADDRESS_SANITIZER)
    signal(SIGSEGV, say_input);
#endif
  }
  void TearDown() override {
    signal(SIGABRT, SIG_DFL);
#if !defined(LAMELLAR_ADDRESS_SANITIZER)
    signal(SIGSEGV, SIG_DFL);
#endif
  }

  static std::vector<std::pair<std::string, Bytes>> corpus() {
    std::vector<std::pair<std::string, Bytes>> all;
    const fs::path folder = fs::path(LAMELLAR_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam()->name;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      all.emplace_back(entry.path().filename().string(),
                       Bytes(std::istreambuf_iterator<char>(in), {}));
    }
    std::sort(all.begin(), all.end());  // a folder has no order of its own
    return all;
  }

  static void run(const std::string& name, const Bytes& input) {
    g_input = "input: " + name;
    if (const char* const file = std::getenv("LAMELLAR_TEST_FUZZ_SAVE"))
      std::ofstream(file, std::ios::binary)
          .write(reinterpret_cast<const char*>(input.data()), static_cast<long>(input.size()));
    GetParam()->run(input);
  }
};

TEST_P(Fuzz, Corpus) {
  std::size_t files = 0;
  for (const auto& [name, input] : corpus()) {
    run(name, input);
    ++files;
  }
  EXPECT_GT(files, 0u);
  for (const Bytes& input : GetParam()->examples()) run("an example", input);
}

TEST_P(Fuzz, Mutations) {
  std::vector<Bytes> pool = GetParam()->examples();
  for (auto& [name, input] : corpus()) pool.push_back(std::move(input));
  const char* const only = std::getenv("LAMELLAR_TEST_SEED");
  const char* const seconds = std::getenv("LAMELLAR_TEST_FUZZ_SECONDS");
  std::uint64_t seed = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t end = only != nullptr ? seed + 1 : kMutations + 1;
  const std::uint64_t until =
      seconds == nullptr ? 0 : base::now_ns() + std::strtoull(seconds, nullptr, 10) * 1'000'000'000;
  for (; until != 0 ? base::now_ns() < until : seed < end; ++seed) {
    run("seed " + std::to_string(seed), Mutator(seed).make(pool));
  }
  RecordProperty("inputs", std::to_string(seed));
}

INSTANTIATE_TEST_SUITE_P(All, Fuzz, testing::Values(&kFrames, &kMessages, &kSerial),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace lamellar::fuzz

// One target for libFuzzer. LAMELLAR_TEST_FUZZ_EXAMPLES=folder: writes the examples there, for it
// to begin with.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fuzz/target.hpp"

namespace {

constexpr const lamellar::fuzz::Target& kTarget = lamellar::fuzz::LAMELLAR_FUZZ_TARGET;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const folder = std::getenv("LAMELLAR_TEST_FUZZ_EXAMPLES");
  if (folder == nullptr) return 0;
  int number = 0;
  for (const auto& input : kTarget.examples())
    std::ofstream(std::filesystem::path(folder) / ("example" + std::to_string(number++)),
                  std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()), static_cast<long>(input.size()));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  kTarget.run({bytes, size});
  return 0;
}

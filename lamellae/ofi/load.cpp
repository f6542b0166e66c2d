#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <lamellar/error.hpp>

#include "base/clock/mutex.hpp"
#include "base/log/log.hpp"
#include "lamellae/ofi/endpoint.hpp"

namespace lamellar::lamellae {
namespace {

// Some libraries that libfabric brings along install handlers for SIGSEGV and others when they are
// loaded. They are the program's.
class KeepDispositions {
 public:
  KeepDispositions() noexcept {
    for (int signal = 1; signal < NSIG; ++signal)
      known_[static_cast<std::size_t>(signal)] =
          sigaction(signal, nullptr, &before_[static_cast<std::size_t>(signal)]) == 0;
  }
  ~KeepDispositions() {
    for (int signal = 1; signal < NSIG; ++signal)
      if (known_[static_cast<std::size_t>(signal)])
        sigaction(signal, &before_[static_cast<std::size_t>(signal)], nullptr);
  }
  KeepDispositions(const KeepDispositions&) = delete;
  KeepDispositions& operator=(const KeepDispositions&) = delete;

 private:
  std::array<struct sigaction, NSIG> before_{};
  std::array<bool, NSIG> known_{};
};

// Beside the library this code is in; else where the linker looks.
OpenEndpoint* load_module(std::string& error) {
  std::string beside;
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&load_module), &here) != 0 &&
      here.dli_fname != nullptr) {
    beside = here.dli_fname;
    beside.resize(beside.rfind('/') + 1);
    beside += kEndpointModule;
  }
  void* module = beside.empty() ? nullptr : dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::string first;
  if (module == nullptr) {
    const char* const why = dlerror();
    if (why != nullptr && access(beside.c_str(), F_OK) == 0) first = why;  // it is there
    module = dlopen(kEndpointModule, RTLD_NOW | RTLD_LOCAL);
  }
  if (module == nullptr) {
    const char* const why = dlerror();
    error = std::string("the module for libfabric cannot be loaded: ") +
            (first.empty() ? why : first.c_str()) +
            "; is libfabric installed (Debian: libfabric1), and was this library built with its "
            "headers there (libfabric-dev)?";
    return nullptr;
  }
  auto* const open = reinterpret_cast<OpenEndpoint*>(dlsym(module, kEndpointSymbol));
  if (open == nullptr)
    error = std::string(kEndpointModule) + " is of another version: it has no " + kEndpointSymbol;
  return open;
}

}  // namespace

std::uint32_t largest_message(const std::string& provider, std::uint32_t asked) {
  constexpr std::uint32_t kStep = 64;
  constexpr std::uint32_t kLeast = 1024;
  std::uint32_t limit = (asked + kStep - 1) / kStep * kStep;
  if (provider.find("ofi_rxm") == std::string::npos) return limit;
  std::uint32_t eager = 16 * 1024;
  // Its own setting, for those who want larger frames.
  if (const char* const set = std::getenv("FI_OFI_RXM_BUFFER_SIZE")) {
    const unsigned long value = std::strtoul(set, nullptr, 0);
    if (value != 0) eager = static_cast<std::uint32_t>(std::min<unsigned long>(value, 1u << 30));
  }
  return std::max(kLeast, std::min(limit, eager / kStep * kStep));
}

std::unique_ptr<Endpoint> open_endpoint(const EndpointOptions& options) {
  static base::Mutex mutex;  // guards the module
  static OpenEndpoint* open = nullptr;
  const base::Lock lock(mutex);
  const KeepDispositions keep;
  std::string error;
  if (open == nullptr) open = load_module(error);
  if (open == nullptr) throw LaunchError(error);
  std::unique_ptr<Endpoint> endpoint(open(options, error));
  if (endpoint == nullptr) throw LaunchError("libfabric: " + error);
  return endpoint;
}

}  // namespace lamellar::lamellae

#include "lamellae/bootstrap/library.hpp"

#include <dlfcn.h>

#include <lamellar/error.hpp>

#include "base/process/signals.hpp"

namespace lamellar::lamellae {

Library::Library(const char* file) : file_(file) {
  const base::SignalsHeldBack quiet;
  // Global: PMIx loads plug-ins that look for its symbols.
  handle_ = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
  if (handle_ == nullptr) throw LaunchError(dlerror());
}

void* Library::symbol(const char* name) const {
  void* found = dlsym(handle_, name);
  if (found == nullptr) throw LaunchError(file_ + " has no function " + name);
  return found;
}

}  // namespace lamellar::lamellae

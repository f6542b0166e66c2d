#include "base/core/assert.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace lamellar::base {

namespace {

thread_local int t_pe_for_log = -1;

// Where "base/core/status.cpp" starts in a path of any build folder; the whole path otherwise.
const char* from_floor(const char* file) noexcept {
  const char* best = file;
  for (const char* root : {"src/", "include/", "lamellae/"}) {
    for (const char* at = std::strstr(file, root); at != nullptr; at = std::strstr(at + 1, root)) {
      if (at != file && at[-1] != '/') continue;
      const char* start = std::strcmp(root, "src/") == 0 ? at + 4 : at;
      if (start > best) best = start;
    }
  }
  return best;
}

}  // namespace

void set_current_pe_for_log(int pe) noexcept { t_pe_for_log = pe; }
int current_pe_for_log() noexcept { return t_pe_for_log; }

void check_failed(const char* condition, const char* message, const char* file,
                  int line) noexcept {
  const char* path = from_floor(file);
  const char* slash = std::strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  const int room = slash == nullptr ? 0 : static_cast<int>(slash - path);
  char prefix[32];
  if (t_pe_for_log >= 0) {
    std::snprintf(prefix, sizeof prefix, "[lamellar PE %d]", t_pe_for_log);
  } else {
    std::snprintf(prefix, sizeof prefix, "[lamellar]");
  }
  char text[1024];
  int size = std::snprintf(text, sizeof text, "%s broken invariant in %.*s, %s:%d: %s: %s\n",
                           prefix, room, path, name, line, condition, message);
  if (size >= static_cast<int>(sizeof text)) {
    size = sizeof text;
    text[size - 1] = '\n';
  }
  if (size > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(size)) < 0) {
    // Nothing is left to tell it to.
  }
  std::abort();
}

}  // namespace lamellar::base

#include "counts.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

namespace calls {

Counts* map_counts() noexcept {
  const char* const path = getenv(kVariable);
  const int fd = path != nullptr ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return nullptr;
  void* const page = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return page != MAP_FAILED ? static_cast<Counts*>(page) : nullptr;
}

}  // namespace calls

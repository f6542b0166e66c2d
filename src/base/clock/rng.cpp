#include "base/clock/rng.hpp"

#include <sys/random.h>

#include "base/clock/sim.hpp"
#include "base/core/assert.hpp"

namespace lamellar::base {

std::uint64_t random_u64() {
  if (Sim* sim = t_sim) return sim->draw();
  std::uint64_t value = 0;
  const ssize_t got = getrandom(&value, sizeof value, 0);
  LAMELLAR_CHECK(got == sizeof value, "getrandom gave fewer than 8 bytes");
  return value;
}

}  // namespace lamellar::base

#include "base/clock/mutex.hpp"

#include "base/clock/sim.hpp"

namespace lamellar::base {

void Mutex::lock() {
  if (Sim* sim = t_sim) {
    while (!mutex_.try_lock()) sim->point(SimHook::kYield);
    return;
  }
  mutex_.lock();
}

}  // namespace lamellar::base

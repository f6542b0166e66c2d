#include "base/clock/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/clock/futex.hpp"
#include "base/clock/sim.hpp"

namespace lamellar::base {

Thread::Thread(const std::string& name, std::function<void()> body) {
  Sim* sim = Sim::of_this_thread();
  const int participant = sim != nullptr ? sim->add_participant() : -1;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, sim, participant, name, body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    if (sim != nullptr) sim->enter(participant);
    body();
    done_.store(1);  // pairs with join()
    if (sim != nullptr) {
      futex_wake(done_, 1);
      sim->leave();
    }
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Thread::~Thread() { join(); }

void Thread::join() {
  if (!thread_.joinable()) return;
  if (Sim::of_this_thread() != nullptr)
    while (done_.load() == 0) futex_wait(done_, 0);
  thread_.join();
}

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? static_cast<unsigned>(count) : 1u;
}

}  // namespace lamellar::base

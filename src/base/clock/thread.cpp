#include "base/clock/thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "base/clock/affinity.hpp"
#include "base/clock/futex.hpp"
#include "base/clock/sim.hpp"

namespace lamellar::base {
namespace {

constinit thread_local PinNewThreads* t_pin_new_threads = nullptr;

// A thread's part in a simulation. Made before anything else of the thread, so that its destructor
// comes after those of all other thread-local objects: they take part too.
struct InSimulation {
  InSimulation(Sim& its_sim, int participant, std::atomic<std::uint32_t>& its_gone)
      : sim(its_sim), gone(its_gone) {
    sim.enter(participant);
  }
  ~InSimulation() { sim.leave(&gone); }
  Sim& sim;
  std::atomic<std::uint32_t>& gone;
};

}  // namespace

Thread::Thread(const std::string& name, std::function<void()> body, Cpus cpus) {
  Sim* sim = t_sim;
  const int participant = sim != nullptr ? sim->add_participant() : -1;
  if (sim != nullptr)
    cpus.clear();
  else if (cpus.empty() && t_pin_new_threads != nullptr)
    cpus = t_pin_new_threads->take();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, sim, participant, cpus = std::move(cpus), name,
                         body = std::move(body)] {
    // A cpu that has gone since leaves the thread where its parent may run. Who sees the name sees
    // the cpu too.
    if (!cpus.empty()) static_cast<void>(set_affinity(0, cpus));
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    if (sim != nullptr) {
      static thread_local const InSimulation inside(*sim, participant, gone_);
    }
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Thread::~Thread() { join(); }

void Thread::join() {
  if (!thread_.joinable()) return;
  // Once it has left the simulation it ends by itself.
  if (t_sim != nullptr)
    while (gone_.load() == 0) futex_wait(gone_, 0);
  thread_.join();
}

PinNewThreads::PinNewThreads(std::span<const std::uint32_t> cpus) noexcept
    : cpus_(cpus), outer_(std::exchange(t_pin_new_threads, this)) {}

PinNewThreads::~PinNewThreads() { t_pin_new_threads = outer_; }

Cpus PinNewThreads::take() {
  if (cpus_.empty()) return {};
  const std::uint32_t cpu = cpus_.front();
  cpus_ = cpus_.subspan(1);
  return {cpu};
}

}  // namespace lamellar::base

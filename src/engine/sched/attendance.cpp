#include "engine/sched/attendance.hpp"

#include <exception>
#include <utility>

#include "base/log/log.hpp"

namespace lamellar::engine {

Attendance::Attendance(Pe pe, Signs signs, base::Cpus cpus, std::function<void()> duty)
    : pe_(pe),
      signs_(signs),
      cpus_(std::move(cpus)),
      duty_(std::move(duty)),
      helper_(base::Helper::shared()) {}

void Attendance::start() {
  helper_->add(*this);
  begin_watch();
}

Attendance::~Attendance() { stop(); }

void Attendance::stop() noexcept {
  if (stopping_.exchange(true)) return;
  helper_->remove(*this);  // from here on nobody is called
  bell_.notify(1, base::FutexScope::kProcess);
  thread_.reset();
}

void Attendance::begin_watch() noexcept {
  signs_.looked->store(true, std::memory_order_relaxed);  // a first tick at once tells nothing
  watched_.store(true);
  helper_->arm(*this);
}

base::TickTarget::Seen Attendance::tick() noexcept {
  if (on_duty_.load()) return Seen::kNothing;
  const bool somebody_sleeps = signs_.doorbell->anybody();
  base::sim_point();
  watched_.store(!somebody_sleeps);
  if (somebody_sleeps) return Seen::kNothing;
  if (signs_.looked->load(std::memory_order_relaxed)) {
    signs_.looked->store(false, std::memory_order_relaxed);
    return Seen::kActive;
  }
  if (signs_.searching->load() != 0) return Seen::kActive;
  call();
  return Seen::kNothing;
}

void Attendance::call() noexcept {
  on_duty_.store(true);
  if (thread_ != nullptr) return bell_.notify(1, base::FutexScope::kProcess);
  try {
    thread_ = std::make_unique<base::Thread>("lml" + std::to_string(pe_) + ".standin",
                                             [this] { stand_in(); }, cpus_);
  } catch (const std::exception& error) {  // it stays on duty: nobody asks again
    LAMELLAR_LOG_WARN("PE {} does not answer while it computes: no thread can be started ({})",
                      pe_, error.what());
  }
}

void Attendance::stand_in() noexcept {
  while (!stopping_.load()) {
    const std::uint32_t key = bell_.prepare();
    if (!on_duty_.load() && !stopping_.load()) {
      bell_.commit(key, base::kForever, base::FutexScope::kProcess);
      continue;
    }
    bell_.cancel();
    if (stopping_.load()) return;
    duty_();
    on_duty_.store(false);
    begin_watch();
  }
}

}  // namespace lamellar::engine

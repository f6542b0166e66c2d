#pragma once
// What is measured while nothing happens.

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace bench {

// Lets time pass on the calling thread, at no cost.
inline void pass(double seconds) {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const auto whole = static_cast<time_t>(seconds);
  itimerspec when{};
  when.it_value.tv_sec = whole;
  when.it_value.tv_nsec = static_cast<long>((seconds - static_cast<double>(whole)) * 1e9) + 1;
  std::uint64_t expired = 0;
  if (timer < 0 || timerfd_settime(timer, 0, &when, nullptr) != 0 ||
      read(timer, &expired, sizeof expired) < 0)
    throw std::runtime_error("no timer");
  close(timer);
}

// CPU time of this process, to the nanosecond.
inline double cpu_of_process() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace bench

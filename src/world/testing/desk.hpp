#pragma once
// What each PE notes about the running test, and where all meet at its end (at PE 0's desk). Made
// of active messages and PeLocals, so that PEs may be processes of their own.
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <lamellar/world.hpp>

namespace lamellar::testing {

// What one PE says about one test.
struct Report {
  std::vector<std::string> failures;
  std::vector<std::string> skips;
};
LAMELLAR_FIELDS(Report, failures, skips);

struct PeReport {
  Pe pe = 0;
  Report report;
};

// THREADS: any; no locks.
class Desk {
 public:
  // on_verdict: called on PE 0 once per test, when all have reported, with the reports of all PEs
  // in PE order.
  using OnVerdict = std::function<void(std::uint32_t test, const std::vector<PeReport>& reports)>;
  explicit Desk(engine::Engine& engine, OnVerdict on_verdict);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // The desk of the PE that the calling thread works for, or null.
  static Desk* of_this_thread() noexcept;

  void add_failure(std::string text) { push(failures_, std::move(text)); }
  void add_skip(std::string text) { push(skips_, std::move(text)); }
  Report take_report();

  // A PE is at an end of the test, or reports it. The future is done when all are.
  Future<void> arrive(std::uint32_t test, bool reports, Pe pe, Report report);

 private:
  struct Note {
    std::string text;
    Note* next = nullptr;
  };
  struct Arrival {
    PeReport report;
    detail::FutureState<void>* gate = nullptr;
    Arrival* next = nullptr;
  };
  static void push(std::atomic<Note*>& notes, std::string text);
  static std::vector<std::string> take(std::atomic<Note*>& notes);
  void open_gates(std::uint32_t test, bool verdict);

  engine::Engine* const engine_;
  const OnVerdict on_verdict_;
  std::atomic<Note*> failures_{nullptr};
  std::atomic<Note*> skips_{nullptr};
  std::atomic<Arrival*> arrivals_{nullptr};
  std::atomic<Pe> arrived_{0};
  Desk* next_ = nullptr;  // in the list of this process' desks
};

// Sent to PE 0 by every PE at the end of a test; answered when all have sent it.
struct Arrive {
  PeLocal<Desk> desk;
  std::uint32_t test;
  bool reports;
  Report report;
  Task<void> exec(Context& context) const;
};
LAMELLAR_AM(Arrive, desk, test, reports, report);

}  // namespace lamellar::testing

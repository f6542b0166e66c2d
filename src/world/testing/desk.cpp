#include "world/testing/desk.hpp"

#include <algorithm>
#include <memory>

namespace lamellar::testing {
namespace {

// Desks of the PEs that run in this process. A cell is reused, never freed.
struct Cell {
  std::atomic<engine::Engine*> engine{nullptr};
  std::atomic<Desk*> desk{nullptr};
  Cell* next = nullptr;
};
constinit std::atomic<Cell*> g_cells{nullptr};

Cell& free_cell(engine::Engine& engine) {
  for (Cell* cell = g_cells.load(); cell != nullptr; cell = cell->next) {
    engine::Engine* none = nullptr;
    if (cell->engine.compare_exchange_strong(none, &engine)) return *cell;
  }
  auto* cell = new Cell;
  cell->engine.store(&engine);
  cell->next = g_cells.load();
  while (!g_cells.compare_exchange_weak(cell->next, cell)) {
  }
  return *cell;
}

Cell* cell_of(const engine::Engine* engine) noexcept {
  Cell* cell = engine == nullptr ? nullptr : g_cells.load();
  while (cell != nullptr && cell->engine.load() != engine) cell = cell->next;
  return cell;
}

}  // namespace

Desk::Desk(engine::Engine& engine, OnVerdict on_verdict)
    : engine_(&engine), on_verdict_(std::move(on_verdict)) {
  free_cell(engine).desk.store(this);
}

Desk::~Desk() {
  if (Cell* const cell = cell_of(engine_)) {
    cell->desk.store(nullptr);
    cell->engine.store(nullptr);
  }
  static_cast<void>(take_report());
  // After a failed job nobody waits at the gates any more.
  for (Arrival* arrival = arrivals_.exchange(nullptr); arrival != nullptr;) {
    const std::unique_ptr<Arrival> left(arrival);
    arrival = arrival->next;
  }
}

Desk* Desk::of_this_thread() noexcept {
  Cell* const cell = cell_of(detail::this_thread().engine);
  return cell == nullptr ? nullptr : cell->desk.load();
}

void Desk::push(std::atomic<Note*>& notes, std::string text) {
  auto* note = new Note{std::move(text), notes.load()};
  while (!notes.compare_exchange_weak(note->next, note)) {
  }
}

std::vector<std::string> Desk::take(std::atomic<Note*>& notes) {
  std::vector<std::string> texts;
  for (Note* note = notes.exchange(nullptr); note != nullptr;) {
    const std::unique_ptr<Note> taken(note);
    note = note->next;
    texts.push_back(std::move(taken->text));
  }
  std::reverse(texts.begin(), texts.end());
  return texts;
}

Report Desk::take_report() { return {take(failures_), take(skips_)}; }

Future<void> Desk::arrive(std::uint32_t test, bool reports, Pe pe, Report report) {
  auto* gate = detail::slab_new<detail::FutureState<void>>(detail::scheduler_of(*engine_));
  gate->label = {"the other PEs at the end of the test", "co_await it", ~Pe{0}, test, {}};
  Future<void> opened{detail::StateRef<detail::FutureState<void>>(gate)};
  auto* arrival = new Arrival{{pe, std::move(report)}, gate, arrivals_.load()};
  gate->entrust();
  while (!arrivals_.compare_exchange_weak(arrival->next, arrival)) {
  }
  // Pairs with the other PEs' pushes: who counts last sees all of them.
  if (arrived_.fetch_add(1) + 1 == detail::num_pes_of(*engine_))
    open_gates(test, reports);
  return opened;
}

void Desk::open_gates(std::uint32_t test, bool verdict) {
  arrived_.store(0);  // nobody arrives again before a gate is open
  std::vector<PeReport> reports;
  std::vector<detail::FutureState<void>*> gates;
  for (Arrival* arrival = arrivals_.exchange(nullptr); arrival != nullptr;) {
    const std::unique_ptr<Arrival> taken(arrival);
    arrival = arrival->next;
    reports.push_back(std::move(taken->report));
    gates.push_back(taken->gate);
  }
  std::sort(reports.begin(), reports.end(),
            [](const PeReport& a, const PeReport& b) { return a.pe < b.pe; });
  if (verdict) on_verdict_(test, reports);
  for (auto* gate : gates) {
    gate->emplace();
    gate->complete();
  }
}

Task<void> Arrive::exec(Context& context) const {
  Future<void> opened =
      desk.local(context).arrive(test, reports, context.source_pe(), report);
  co_await opened;
}

}  // namespace lamellar::testing

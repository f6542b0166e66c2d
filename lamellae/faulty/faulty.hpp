#pragma once
// Any lamella, with faults drawn from a seed: what is handed over leaves later or behind what came
// after it, there seems to be no credit, looks find nothing, the PE dies.
//
// It keeps the contract of lamellae/api: whatever is accepted arrives once and whole. No order is
// promised there, between any two frames or records, so any two may change places; pieces of one
// frame stay in order. What is delayed stays in its frame, which counts as in flight meanwhile.
//
// Same seed, same decisions: those of one kind are drawn one after the other, for each PE, in the
// order of the calls that they are about.
#include <functional>
#include <memory>

#include "lamellae/api/lamella.hpp"
#include "lamellae/faulty/plan.hpp"

namespace lamellar::lamellae {

// `inner` itself when the plan is empty. `die` ends the process for a PE that is to die; without
// it (several PEs in one process) that PE stays silent and deaf from then on, and the job fails.
std::unique_ptr<Lamella> make_faulty(std::unique_ptr<Lamella> inner, const FaultPlan& plan,
                                     std::function<void()> die = nullptr);

}  // namespace lamellar::lamellae

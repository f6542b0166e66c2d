#pragma once
// One lamella of two: PEs that share memory talk through `inside`, all others through `outside`.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lamellae/api/lamella.hpp"

namespace lamellar::lamellae {

struct RouterParts {
  std::vector<Pe> group;            // endpoint i of `inside` is PE group[i] of the job
  std::unique_ptr<Lamella> inside;  // its doorbell is the PE's, and it keeps the job's failure
  std::unique_ptr<Lamella> outside; // knows PEs by their numbers in the job
  // A failure was announced here first: the other groups must hear of it. THREADS: any.
  std::function<void(Pe culprit, const std::string& why)> announced;
};

std::unique_ptr<Lamella> make_router(RouterParts parts);

}  // namespace lamellar::lamellae

#pragma once
// Histories of concurrent operations, and whether a sequential object explains them: each
// operation must be able to take effect at one moment between its call and its return.
// Wing, Gong, "Testing and verifying concurrent objects" (1993), with the memory of states that
// were tried before of Lowe, "Testing for linearizability" (2017).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace lamellar::testing_support {

template <class Operation>
struct Call {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  Operation operation{};  // with its outcome
  std::uint64_t called = 0;
  std::uint64_t returned = kNever;  // so it stays: it may have taken effect or not
};

// Written by many threads at once, at most `most` calls. Moments are numbers in one order.
template <class Operation>
class History {
 public:
  explicit History(std::size_t most) : calls_(most) {}

  std::size_t call(Operation operation) {
    const std::size_t index = count_.fetch_add(1);
    calls_.at(index).operation = std::move(operation);
    calls_[index].called = clock_.fetch_add(1);
    return index;
  }
  // The outcome is written into the operation before.
  Operation& operation(std::size_t index) { return calls_[index].operation; }
  void returned(std::size_t index) { calls_[index].returned = clock_.fetch_add(1); }

  // When all threads are done.
  std::vector<Call<Operation>> calls() const {
    return {calls_.begin(), calls_.begin() + static_cast<std::ptrdiff_t>(count_.load())};
  }

 private:
  std::vector<Call<Operation>> calls_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> clock_{0};
};

// Model: the sequential object. Copied; compared by `<`;
//   bool apply(const Operation&, bool returned)
// whether the operation can have this outcome now (any, when it never returned), and does it.
template <class Model, class Operation>
class Linearizer {
 public:
  explicit Linearizer(const std::vector<Call<Operation>>& calls) : calls_(calls) {}

  bool explains(const Model& model) { return search(0, model); }

 private:
  static std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << index; }

  bool search(std::uint64_t done, const Model& model) {
    // Whatever is called after something that is not done has returned, comes after it.
    std::uint64_t horizon = Call<Operation>::kNever;
    for (std::size_t i = 0; i < calls_.size(); ++i)
      if ((done & bit(i)) == 0 && calls_[i].returned < horizon) horizon = calls_[i].returned;
    if (horizon == Call<Operation>::kNever) return true;
    if (!tried_.emplace(done, model).second) return false;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if ((done & bit(i)) != 0 || calls_[i].called > horizon) continue;
      Model next = model;
      const bool returned = calls_[i].returned != Call<Operation>::kNever;
      if (next.apply(calls_[i].operation, returned) && search(done | bit(i), next)) return true;
    }
    return false;
  }

  const std::vector<Call<Operation>>& calls_;
  std::set<std::pair<std::uint64_t, Model>> tried_;
};

// REQUIRES: at most 64 calls.
template <class Model, class Operation>
bool linearizable(const std::vector<Call<Operation>>& calls, const Model& initial) {
  return calls.size() <= 64 && Linearizer<Model, Operation>(calls).explains(initial);
}

// One line a call, for the message of a failed test.
template <class Operation>
std::string to_string(const std::vector<Call<Operation>>& calls) {
  std::ostringstream out;
  for (const auto& call : calls) {
    out << "  [" << call.called << ", ";
    if (call.returned == Call<Operation>::kNever)
      out << "never";
    else
      out << call.returned;
    out << "] " << call.operation << '\n';
  }
  return out.str();
}

}  // namespace lamellar::testing_support

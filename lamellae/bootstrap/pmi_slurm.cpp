#include <algorithm>
#include <atomic>
#include <lamellar/error.hpp>
#include <vector>

#include "base/clock/futex.hpp"
#include "base/clock/thread.hpp"
#include "lamellae/bootstrap/library.hpp"
#include "lamellae/bootstrap/pmi.hpp"

namespace lamellar::lamellae {
namespace {

// The functions of slurm/pmi.h that are used; 0 means success. Its ABI has been the same since
// Slurm 1.
struct SlurmPmi {
  int (*init)(int* spawned);
  int (*get_size)(int* size);
  int (*get_rank)(int* rank);
  int (*name_limit)(int* length);
  int (*value_limit)(int* length);
  int (*my_name)(char* name, int length);
  int (*put)(const char* space, const char* key, const char* value);
  int (*commit)(const char* space);
  int (*barrier)();
  int (*get)(const char* space, const char* key, char* value, int length);
  int (*abort)(int status, const char* why);
  int (*finalize)();
};

SlurmPmi load_slurm_pmi() {
  const Library library("libpmi.so.0");
  SlurmPmi pmi{};
  library.find("PMI_Init", pmi.init);
  library.find("PMI_Get_size", pmi.get_size);
  library.find("PMI_Get_rank", pmi.get_rank);
  library.find("PMI_KVS_Get_name_length_max", pmi.name_limit);
  library.find("PMI_KVS_Get_value_length_max", pmi.value_limit);
  library.find("PMI_KVS_Get_my_name", pmi.my_name);
  library.find("PMI_KVS_Put", pmi.put);
  library.find("PMI_KVS_Commit", pmi.commit);
  library.find("PMI_Barrier", pmi.barrier);
  library.find("PMI_KVS_Get", pmi.get);
  library.find("PMI_Abort", pmi.abort);
  library.find("PMI_Finalize", pmi.finalize);
  return pmi;
}

void check(int result, const char* what) {
  if (result != 0)
    throw LaunchError(std::string(what) + " of libpmi.so.0 failed with " +
                      std::to_string(result) + ": start the job with srun --mpi=pmi2 instead");
}

// A call that cannot be given a deadline, on a thread of its own.
struct Waiting {
  std::atomic<std::uint32_t> done{0};
  int result = 0;
  std::unique_ptr<base::Thread> thread;
};

// Calls that were late: they keep their thread until the process ends, which is near.
std::vector<std::unique_ptr<Waiting>>& late_calls() {
  static auto* calls = new std::vector<std::unique_ptr<Waiting>>();
  return *calls;
}

class SlurmLibraryPmi final : public Pmi {
 public:
  explicit SlurmLibraryPmi(std::uint64_t) : pmi_(load_slurm_pmi()) {
    int spawned = 0;
    int rank = 0;
    int size = 0;
    int name = 0;
    int value = 0;
    check(pmi_.init(&spawned), "PMI_Init");
    check(pmi_.get_rank(&rank), "PMI_Get_rank");
    check(pmi_.get_size(&size), "PMI_Get_size");
    check(pmi_.name_limit(&name), "PMI_KVS_Get_name_length_max");
    check(pmi_.value_limit(&value), "PMI_KVS_Get_value_length_max");
    space_.resize(static_cast<std::size_t>(std::max(name, 64)) + 1);
    check(pmi_.my_name(space_.data(), static_cast<int>(space_.size())), "PMI_KVS_Get_my_name");
    rank_ = static_cast<Pe>(rank);
    size_ = static_cast<Pe>(size);
    value_limit_ = static_cast<std::size_t>(std::max(value, 64)) - 1;
  }

  Pe rank() const noexcept override { return rank_; }
  Pe size() const noexcept override { return size_; }
  std::size_t value_limit() const noexcept override { return value_limit_; }

  void put(const std::string& key, const std::string& value, std::uint64_t) override {
    check(pmi_.put(space_.c_str(), key.c_str(), value.c_str()), "PMI_KVS_Put");
  }

  bool fence(std::uint64_t deadline_ns) override {
    check(pmi_.commit(space_.c_str()), "PMI_KVS_Commit");
    auto call = std::make_unique<Waiting>();
    Waiting& state = *call;
    state.thread = std::make_unique<base::Thread>("lml-pmi", [&state, barrier = pmi_.barrier] {
      state.result = barrier();
      state.done.store(1);
      base::futex_wake(state.done, 1);
    });
    while (state.done.load() == 0) {
      if (base::futex_wait(state.done, 0, deadline_ns) || state.done.load() != 0) continue;
      late_calls().push_back(std::move(call));
      return false;
    }
    state.thread->join();
    check(state.result, "PMI_Barrier");
    return true;
  }

  std::optional<std::string> get(Pe, const std::string& key, std::uint64_t) override {
    if (!late_calls().empty()) return std::nullopt;  // the library is inside its barrier
    std::string value(value_limit_ + 1, '\0');
    if (pmi_.get(space_.c_str(), key.c_str(), value.data(), static_cast<int>(value.size())) != 0)
      return std::nullopt;
    value.resize(value.find('\0'));
    return value;
  }

  void abandon(const std::string& why) noexcept override {
    if (late_calls().empty()) pmi_.abort(2, why.c_str());
  }
  void finalize() noexcept override {
    if (late_calls().empty()) pmi_.finalize();
  }

 private:
  SlurmPmi pmi_;
  Pe rank_ = 0;
  Pe size_ = 0;
  std::size_t value_limit_ = 0;
  std::string space_;
};

}  // namespace

std::unique_ptr<Pmi> join_by_slurm_library(std::uint64_t deadline_ns) {
  return std::make_unique<SlurmLibraryPmi>(deadline_ns);
}

}  // namespace lamellar::lamellae

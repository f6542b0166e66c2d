#include <atomic>
#include <cstdlib>
#include <cstring>
#include <lamellar/error.hpp>

#include "base/clock/futex.hpp"
#include "base/process/signals.hpp"
#include "lamellae/bootstrap/library.hpp"
#include "lamellae/bootstrap/pmi.hpp"
#include "lamellae/bootstrap/pmix_abi.hpp"

namespace lamellar::lamellae {
namespace {

using pmix::Info;
using pmix::Proc;
using pmix::Status;
using pmix::Value;

constexpr std::size_t kValueLimit = 60'000;  // ours: PMIx has none that matters

struct Functions {
  Status (*init)(Proc* me, Info* info, std::size_t infos);
  Status (*finalize)(const Info* info, std::size_t infos);
  Status (*put)(std::uint8_t scope, const char* key, Value* value);
  Status (*commit)();
  Status (*fence_nb)(const Proc* procs, std::size_t count, const Info* info, std::size_t infos,
                     pmix::OpCallback done, void* data);
  Status (*get)(const Proc* owner, const char* key, const Info* info, std::size_t infos,
                Value** value);
  const char* (*error_string)(Status status);
};

Functions load_functions() {
  const Library library("libpmix.so.2");
  Functions pmix{};
  library.find("PMIx_Init", pmix.init);
  library.find("PMIx_Finalize", pmix.finalize);
  library.find("PMIx_Put", pmix.put);
  library.find("PMIx_Commit", pmix.commit);
  library.find("PMIx_Fence_nb", pmix.fence_nb);
  library.find("PMIx_Get", pmix.get);
  library.find("PMIx_Error_string", pmix.error_string);
  return pmix;
}

Info make_info(const char* key) {
  Info info{};
  std::strncpy(info.key, key, sizeof info.key - 1);
  return info;
}

Info flag_info(const char* key) {
  Info info = make_info(key);
  info.value.type = pmix::kTypeBool;
  info.value.data.flag = true;
  return info;
}

Info timeout_info(std::uint64_t deadline_ns) {
  const std::uint64_t now = base::now_ns();
  const std::uint64_t left = deadline_ns > now ? (deadline_ns - now) / 1'000'000'000u : 0;
  Info info = make_info(pmix::kTimeout);
  info.value.type = pmix::kTypeInt;
  info.value.data.integer = static_cast<int>(std::min<std::uint64_t>(left, 3600) + 1);
  return info;
}

// Shared with the callback, which may come after everybody stopped waiting.
struct Fence {
  std::atomic<std::uint32_t> done{0};
  Status status = pmix::kSuccess;
};

void on_fence_done(Status status, void* data) {
  const std::unique_ptr<std::shared_ptr<Fence>> fence(static_cast<std::shared_ptr<Fence>*>(data));
  (*fence)->status = status;
  (*fence)->done.store(1);
  base::futex_wake((*fence)->done, 1);
}

class PmixPmi final : public Pmi {
 public:
  explicit PmixPmi(std::uint64_t deadline_ns) : pmix_(load_functions()) {
    const base::SignalsHeldBack quiet;  // it starts a thread
    check(pmix_.init(&me_, nullptr, 0), "PMIx_Init");
    Proc job = me_;
    job.rank = pmix::kRankWildcard;
    Value* value = nullptr;
    const Info limit = timeout_info(deadline_ns);
    check(pmix_.get(&job, pmix::kJobSize, &limit, 1, &value), "PMIx_Get of the job's size");
    size_ = value->type == pmix::kTypeUint32 ? value->data.uint32 : 0;
    std::free(value);
    if (size_ == 0 || me_.rank >= size_) throw LaunchError("PMIx tells no size of the job");
  }

  Pe rank() const noexcept override { return me_.rank; }
  Pe size() const noexcept override { return size_; }
  std::size_t value_limit() const noexcept override { return kValueLimit; }

  void put(const std::string& key, const std::string& text, std::uint64_t) override {
    std::string copy = text;
    Value value{};
    value.type = pmix::kTypeString;
    value.data.string = copy.data();
    check(pmix_.put(pmix::kScopeGlobal, key.c_str(), &value), "PMIx_Put");
  }

  bool fence(std::uint64_t deadline_ns) override {
    check(pmix_.commit(), "PMIx_Commit");
    const Info collect = flag_info(pmix::kCollectData);
    const auto fence = std::make_shared<Fence>();
    auto* held = new std::shared_ptr<Fence>(fence);
    const Status started = pmix_.fence_nb(nullptr, 0, &collect, 1, &on_fence_done, held);
    if (started != pmix::kSuccess) {
      delete held;
      check(started, "PMIx_Fence_nb");
    }
    while (fence->done.load() == 0)
      if (!base::futex_wait(fence->done, 0, deadline_ns) && fence->done.load() == 0) return false;
    check(fence->status, "PMIx_Fence");
    return true;
  }

  std::optional<std::string> get(Pe owner, const std::string& key,
                                 std::uint64_t deadline_ns) override {
    Proc proc = me_;
    proc.rank = owner;
    const Info how[] = {flag_info(pmix::kImmediate), timeout_info(deadline_ns)};
    Value* value = nullptr;
    if (pmix_.get(&proc, key.c_str(), how, 2, &value) != pmix::kSuccess) return std::nullopt;
    std::optional<std::string> text;
    if (value->type == pmix::kTypeString && value->data.string != nullptr) {
      text = value->data.string;
      std::free(value->data.string);
    }
    std::free(value);
    return text;
  }

  // A process that ends without PMIx_Finalize ends the job. PMIx_Abort would do it sooner, but with
  // it Open MPI 4.1.4 on PMIx 4.2.2 sometimes never ends.
  void abandon(const std::string&) noexcept override {}
  void finalize() noexcept override { pmix_.finalize(nullptr, 0); }

 private:
  void check(Status status, const char* what) const {
    if (status != pmix::kSuccess)
      throw LaunchError(std::string(what) + " failed: " + pmix_.error_string(status) + " (" +
                        std::to_string(status) + ")");
  }

  Functions pmix_;
  Proc me_{};
  Pe size_ = 0;
};

}  // namespace

std::unique_ptr<Pmi> join_by_pmix(std::uint64_t deadline_ns) {
  return std::make_unique<PmixPmi>(deadline_ns);
}

}  // namespace lamellar::lamellae

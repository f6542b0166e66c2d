#pragma once
// Reads what arrives: runs of records, replies, pieces of large records, control.
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include <lamellar/detail/am_type.hpp>

#include "base/clock/mutex.hpp"
#include "engine/am/assembly.hpp"
#include "engine/am/domains.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::engine {

class Engine;

class Receiver final : public lamellae::FrameSink {
 public:
  Receiver(Engine& engine, Pe num_pes, const Assembly::Limits& pieces);

  void on_chunk(const lamellae::Chunk& chunk) noexcept override;

  // Request bytes of `source` executed here grew by `bytes`. THREADS: any.
  void executed(Pe source, std::uint64_t bytes) noexcept;
  // `records` more of a domain of another PE have ended here. THREADS: any.
  void ended(DomainRef domain, std::uint64_t records);
  // Tells every PE how much of what it sent was executed here, where that is news.
  void report_executed() noexcept;
  // Fails the job when a PE has told of more than was sent to it. Before a wait for quiet: reports
  // that come meanwhile are looked at when they do. BLOCKS: never (a short lock).
  void check_reports() noexcept;
  // The job fails: what `source` has sent cannot be read.
  void refuse(Pe source, const char* wrong) noexcept;
  // Request bytes of ours that `destination` has reported as executed.
  std::uint64_t acknowledged(Pe destination) const noexcept { return peers_[destination].acked; }
  void clear() noexcept { assembly_.clear(); }
  Assembly::Use assembly_use() const noexcept { return assembly_.use(); }

 private:
  struct alignas(64) PeerCount {
    std::atomic<std::uint64_t> executed{0};
    std::atomic<std::uint64_t> reported{0};
    std::atomic<std::uint64_t> acked{0};
    std::atomic<bool> domain_news{false};
    base::Mutex mutex;  // guards what follows
    std::vector<std::pair<std::uint32_t, std::uint64_t>> ended;  // domain, records not reported
  };
  [[gnu::noinline]] void report_domains(Pe source) noexcept;
  void report_to(Pe source) noexcept;
  void acknowledge(Pe destination, std::uint64_t bytes) noexcept;
  bool tells_too_much(Pe source) noexcept;
  struct Cut;  // where in a chunk the reading stands

  const char* read_eager(const lamellae::Chunk& chunk);
  const char* read_runs(const lamellae::Chunk& chunk, std::uint64_t& deferred);
  const char* read_run(Cut& cut, std::uint32_t word);
  const char* read_messages(Cut& cut, std::uint32_t word);
  // Not inlined: what is rare costs nothing where it does not happen.
  [[gnu::noinline]] const char* read_group(Cut& cut, std::uint32_t word);
  [[gnu::noinline]] const char* read_tree(Cut& cut, std::uint32_t word);
  [[gnu::noinline]] void take_one_of_many(Pe source, detail::RequestId id,
                                          detail::SpanReader& value, bool failed);
  const char* read_answers(Cut& cut, bool failed);
  const char* read_fragments(Cut& cut);
  const char* read_control(Cut& cut);
  const char* execute_whole(Pe source, AssembledRecord& whole);

  Engine& engine_;
  Assembly assembly_;
  std::vector<PeerCount> peers_;
  std::atomic<bool> news_{false};  // some peer's executed is ahead of reported
  std::atomic<std::uint64_t> request_chunks_{0};
};

}  // namespace lamellar::engine

#pragma once
// Reads what arrives: runs of records, replies, pieces of large records, control.
#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/am/assembly.hpp"
#include "lamellae/api/lamella.hpp"

namespace lamellar::engine {

class Engine;

class Receiver final : public lamellae::FrameSink {
 public:
  Receiver(Engine& engine, Pe num_pes, const Assembly::Limits& pieces);

  void on_chunk(const lamellae::Chunk& chunk) noexcept override;

  // Request bytes of `source` executed here grew by `bytes`. THREADS: any.
  void executed(Pe source, std::uint64_t bytes) noexcept;
  // Tells every PE how many of its request bytes were executed here, where that is news.
  void report_executed() noexcept;
  // Request bytes of ours that `destination` has reported as executed.
  std::uint64_t acknowledged(Pe destination) const noexcept { return peers_[destination].acked; }
  void clear() noexcept { assembly_.clear(); }
  Assembly::Use assembly_use() const noexcept { return assembly_.use(); }

 private:
  struct alignas(64) PeerCount {
    std::atomic<std::uint64_t> executed{0};
    std::atomic<std::uint64_t> reported{0};
    std::atomic<std::uint64_t> acked{0};
  };
  void report_to(Pe source) noexcept;
  void acknowledge(Pe destination, std::uint64_t bytes) noexcept;
  struct Cut;  // where in a chunk the reading stands

  const char* read_eager(const lamellae::Chunk& chunk);
  const char* read_runs(const lamellae::Chunk& chunk, std::uint64_t& deferred);
  const char* read_run(Cut& cut, std::uint32_t word);
  const char* read_messages(Cut& cut, std::uint32_t word);
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

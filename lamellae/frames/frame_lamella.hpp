#pragma once
// The frame machinery over "a block of memory per PE and a waker": frame pool, inbox, committed
// length, credits and doorbell. Frames are exchanged by reference: they stay in their sender's
// block, the receiver's inbox gets their address. `local` runs it on process memory.
//
// Inbox: push by compare-and-swap, take all by exchange (Treiber, IBM RJ 5118, 1986; taking all
// leaves no ABA problem, and a producer that was killed blocks nobody).
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lamellae/api/lamella.hpp"
#include "lamellae/frames/block.hpp"

namespace lamellar::lamellae {

class FrameLamella final : public Lamella {
 public:
  // blocks[pe] is where that PE's block is mapped here. LIFETIME: they outlive the lamella, which
  // holds `owner` of them.
  FrameLamella(Pe my_pe, const BlockShape& shape, const std::vector<std::byte*>& blocks,
               base::FutexScope scope, std::shared_ptr<void> owner = nullptr);

  Pe my_pe() const noexcept override { return my_pe_; }
  Pe num_pes() const noexcept override { return shape_.num_pes; }
  std::uint32_t frame_capacity() const noexcept override {
    return shape_.frame_bytes - static_cast<std::uint32_t>(sizeof(wire::FrameHeader));
  }
  std::uint32_t frames(Lane lane) const noexcept override {
    return shape_.frames[static_cast<std::size_t>(lane)];
  }
  std::uint32_t credits(Lane lane) const noexcept override;
  bool reaches_itself() const noexcept override { return true; }
  std::uint64_t pool_bytes() const noexcept override {
    return std::uint64_t{shape_.all_frames()} * shape_.frame_bytes;
  }
  bool try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept override;
  void publish(FrameRef frame) noexcept override;
  void seal(const OpenFrame& frame) noexcept override;
  void discard(const OpenFrame& frame) noexcept override;
  bool try_claim_eager(Pe destination, EagerRoom& room) noexcept override;
  void post_eager(Pe destination, Lane lane, std::uint32_t bytes) noexcept override;
  void unclaim_eager(Pe destination) noexcept override;
  bool poll(FrameSink& sink, Take take = Take::kAll) noexcept override;
  bool has_incoming(Take take = Take::kAll) noexcept override;
  std::uint32_t in_flight(Pe destination, Lane lane) const noexcept override;
  void want_frames(bool wanted) noexcept override;
  base::EventCount& doorbell() noexcept override { return mine().head().doorbell; }
  base::FutexScope doorbell_scope() const noexcept override { return scope_; }
  bool announce_failure(Pe culprit, std::string_view why,
                        const std::function<void()>& say) noexcept override;
  const FailureNote* failure() const noexcept override;
  void depart() noexcept override;
  bool has_departed(Pe pe) const noexcept override {
    return blocks_[pe].head().departed.load() != 0;
  }
  Counters counters() const noexcept override;

  // Called when every frame that has memory is in use: takes memory for `bytes` of the own block
  // from `offset` on, or says no. Without it all frames must be ready from the start.
  using Grow = std::function<bool(std::size_t offset, std::size_t bytes)>;
  void grow_with(Grow grow) { grow_ = std::move(grow); }

  // The PEs are some of a larger job: numbers[pe] is what messages call them. `told` hears of a
  // failure that this lamella announces itself.
  using Told = std::function<void(Pe culprit, const std::string& why)>;
  void belong_to(std::vector<Pe> numbers, Told told);

  // For tests: a PE's block now lies at `base`. REQUIRES: nobody uses the lamella meanwhile.
  void rebase(Pe pe, std::byte* base) noexcept;
  // For tests: consumed frames are overwritten before they are given back.
  void poison_consumed_frames(bool on) noexcept { poison_ = on; }

 private:
  struct Address {
    Pe pe;
    std::uint32_t frame;
  };
  // What this PE knows of its slot at another one.
  struct alignas(64) EagerSender {
    std::atomic<bool> claimed{false};
    std::uint32_t posted = 0;             // by whoever claimed it
    std::atomic<std::uint32_t> taken{0};  // of them, as far as is known
  };
  const Block& mine() const noexcept { return blocks_[my_pe_]; }
  FrameControl& control_of(std::uint64_t link) const noexcept {
    return blocks_[(link - 1) >> 32].control(static_cast<std::uint32_t>(link - 1));
  }
  bool eager_waits(Pe source, Take take) const noexcept;
  bool poll_eager(FrameSink& sink, Take take) noexcept;
  bool receive_eager(Pe source, FrameSink& sink, Take take) noexcept;
  bool take_credit(Lane lane, Pe destination) noexcept;
  bool any_free(Lane lane) const noexcept;
  bool take_free(Lane lane, std::uint32_t& index) noexcept;
  bool grow(Lane lane) noexcept;
  void push(std::uint32_t index, FrameControl& control) noexcept;
  // What was taken from the inbox and waits to be read, of one lane.
  struct Pending {
    std::atomic<std::uint64_t> first{0};  // oldest first
    std::uint64_t last = 0;               // while there is a first; of whoever takes
  };
  Pending& pending(Lane lane) noexcept { return pending_[static_cast<std::size_t>(lane)]; }
  bool any_pending(Take take) const noexcept;
  void take_inbox() noexcept;
  bool take_one(Address& address, Take take) noexcept;
  bool linger(const FrameControl& control) noexcept;
  void receive(Address address, FrameSink& sink) noexcept;
  const char* deliver(Address address, FrameControl& control, FrameSink& sink) noexcept;
  void refuse(Address address, const char* fault) noexcept;
  void give_back(const Block& owner, std::uint32_t index, Pe destination) noexcept;

  const Pe my_pe_;
  const BlockShape shape_;
  std::vector<Block> blocks_;
  const base::FutexScope scope_;
  std::shared_ptr<void> owner_;
  bool poison_ = false;
  Grow grow_;
  std::vector<Pe> numbers_;  // of the PEs in messages
  Told told_;
  std::atomic<bool> growing_{false};

  std::unique_ptr<EagerSender[]> eager_;      // by destination; null when there are no slots
  alignas(64) std::atomic<bool> taking_eager_{false};
  std::atomic<std::uint64_t> eager_received_{0};
  std::atomic<std::uint64_t> eager_bytes_{0};
  // Of linger(): guesses, of all threads.
  alignas(64) std::atomic<std::uint32_t> skip_lingering_{0};
  std::atomic<std::uint32_t> fruitless_{0};
  alignas(64) std::atomic<bool> taking_{false};   // one thread at a time takes from pending_
  Pending pending_[kLanes];
  alignas(64) std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> handed_over_{0};
  alignas(64) std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> chunks_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace lamellar::lamellae

#include "lamellae/router/router.hpp"

#include <algorithm>
#include <atomic>
#include <string>

namespace lamellar::lamellae {
namespace {

constexpr std::uint32_t kOutside = 1u << 31;  // in FrameRef::index
constexpr Pe kNotHere = ~Pe{0};

class Router final : public Lamella {
 public:
  explicit Router(RouterParts parts)
      : group_(std::move(parts.group)),
        inside_(std::move(parts.inside)),
        outside_(std::move(parts.outside)),
        announced_(std::move(parts.announced)),
        place_(outside_->num_pes(), kNotHere) {
    for (Pe i = 0; i < group_.size(); ++i) place_[group_[i]] = i;
  }
  // The outside rings the inside's doorbell.
  ~Router() override { outside_.reset(); }

  Pe my_pe() const noexcept override { return outside_->my_pe(); }
  Pe num_pes() const noexcept override { return outside_->num_pes(); }
  std::uint32_t frame_capacity() const noexcept override {
    return std::min(inside_->frame_capacity(), outside_->frame_capacity());
  }
  std::uint32_t frames(Lane lane) const noexcept override {
    return std::min(inside_->frames(lane), outside_->frames(lane));
  }
  std::uint32_t credits(Lane lane) const noexcept override {
    return std::min(inside_->credits(lane), outside_->credits(lane));
  }
  bool reaches_itself() const noexcept override { return inside_->reaches_itself(); }

  std::uint64_t pool_bytes() const noexcept override {
    return inside_->pool_bytes() + outside_->pool_bytes();
  }

  bool try_open(Pe destination, Lane lane, OpenFrame& frame) noexcept override {
    const bool here = is_here(destination);
    const bool opened = here ? inside_->try_open(place_[destination], lane, frame)
                             : outside_->try_open(destination, lane, frame);
    if (!opened) return false;
    if (!here) frame.ref.index |= kOutside;
    frame.capacity = std::min(frame.capacity, frame_capacity());
    return true;
  }
  void publish(FrameRef frame) noexcept override { part_of(frame).publish(frame); }
  void seal(const OpenFrame& frame) noexcept override {
    OpenFrame theirs = frame;
    part_of(theirs.ref).seal(theirs);
  }
  void discard(const OpenFrame& frame) noexcept override {
    OpenFrame theirs = frame;
    part_of(theirs.ref).discard(theirs);
  }

  bool try_claim_eager(Pe destination, EagerRoom& room) noexcept override {
    return is_here(destination) && inside_->try_claim_eager(place_[destination], room);
  }
  void post_eager(Pe destination, Lane lane, std::uint32_t bytes) noexcept override {
    inside_->post_eager(place_[destination], lane, bytes);
  }
  void unclaim_eager(Pe destination) noexcept override {
    inside_->unclaim_eager(place_[destination]);
  }

  bool poll(FrameSink& sink, Take take) noexcept override {
    // Whoever was woken for it takes it first.
    if (outside_->has_arrived() && outside_->poll(sink, take)) return true;
    InJobNumbers translated(sink, group_);
    const bool near = inside_->poll(translated, take);
    // The network costs more to ask: as long as there is work here, every so often.
    if (near && turn_.fetch_add(1, std::memory_order_relaxed) % kNearTurns != 0) return true;
    return outside_->poll(sink, take) || near;
  }
  bool has_incoming(Take take) noexcept override {
    return inside_->has_incoming(take) || outside_->has_incoming(take);
  }

  std::uint32_t in_flight(Pe destination, Lane lane) const noexcept override {
    return is_here(destination) ? inside_->in_flight(place_[destination], lane)
                                : outside_->in_flight(destination, lane);
  }
  void want_frames(bool wanted) noexcept override {
    inside_->want_frames(wanted);
    outside_->want_frames(wanted);
  }
  base::EventCount& doorbell() noexcept override { return inside_->doorbell(); }
  base::FutexScope doorbell_scope() const noexcept override { return inside_->doorbell_scope(); }

  bool announce_failure(Pe culprit, std::string_view why,
                        const std::function<void()>& say) noexcept override {
    if (!inside_->announce_failure(culprit, why, say)) return false;
    if (announced_) announced_(culprit, std::string(why));
    return true;
  }
  const FailureNote* failure() const noexcept override { return inside_->failure(); }
  void depart() noexcept override {
    inside_->depart();
    outside_->depart();
  }
  bool has_departed(Pe pe) const noexcept override {
    return is_here(pe) ? inside_->has_departed(place_[pe]) : outside_->has_departed(pe);
  }

  Counters counters() const noexcept override {
    Counters sum = inside_->counters();
    const Counters far = outside_->counters();
    sum.frames_opened += far.frames_opened;
    sum.frames_handed_over += far.frames_handed_over;
    sum.frames_received += far.frames_received;
    sum.chunks_received += far.chunks_received;
    sum.bytes_received += far.bytes_received;
    sum.bytes_copied += far.bytes_copied;
    sum.frames_refused += far.frames_refused;
    return sum;  // wake-ups and sleeps are those of the one doorbell
  }

 private:
  static constexpr std::uint32_t kNearTurns = 8;

  class InJobNumbers final : public FrameSink {
   public:
    InJobNumbers(FrameSink& sink, const std::vector<Pe>& group) : sink_(sink), group_(group) {}
    void on_chunk(const Chunk& chunk) noexcept override {
      Chunk translated = chunk;
      translated.source = group_[chunk.source];
      sink_.on_chunk(translated);
    }

   private:
    FrameSink& sink_;
    const std::vector<Pe>& group_;
  };

  bool is_here(Pe pe) const noexcept { return place_[pe] != kNotHere; }
  // The part a frame belongs to; `frame` becomes that part's own reference.
  Lamella& part_of(FrameRef& frame) noexcept {
    if ((frame.index & kOutside) == 0) return *inside_;
    frame.index &= ~kOutside;
    return *outside_;
  }

  const std::vector<Pe> group_;
  const std::unique_ptr<Lamella> inside_;
  std::unique_ptr<Lamella> outside_;
  const std::function<void(Pe, const std::string&)> announced_;
  std::vector<Pe> place_;  // by PE: its number inside, or kNotHere
  std::atomic<std::uint32_t> turn_{0};
};

}  // namespace

std::unique_ptr<Lamella> make_router(RouterParts parts) {
  return std::make_unique<Router>(std::move(parts));
}

}  // namespace lamellar::lamellae

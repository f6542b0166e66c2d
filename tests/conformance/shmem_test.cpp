// The suite on the blocks of `shmem`: in memfds, of which every endpoint has a mapping of its own
// at an address of its own, as processes have; and with faults.
#include <unistd.h>

#include <algorithm>
#include <lamellar/error.hpp>
#include <memory>
#include <vector>

#include "conformance/frame_damage.hpp"
#include "conformance/subject.hpp"
#include "conformance/with_faults.hpp"
#include "lamellae/frames/frame_lamella.hpp"
#include "lamellae/shmem/segment.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Block;
using lamellae::BlockShape;
using lamellae::Descriptor;
using lamellae::Segment;

constexpr std::uint32_t kReadyFrames = 2;  // of each lane: the pool has to grow

// One endpoint's view of all blocks.
struct View {
  std::vector<Segment> segments;
  std::vector<std::byte*> blocks;
};

class ShmemEndpoints final : public Endpoints {
 public:
  ShmemEndpoints(const Shape& shape, const std::string& faults)
      : shape_(BlockShape::of(shape.pes, shape.frame_bytes, shape.pool, 4711)) {
    for (std::uint32_t& ready : shape_.ready) ready = std::min(ready, kReadyFrames);
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      owners_.push_back(Segment::create(Block::bytes(shape_)));
      const Segment& mine = owners_.back();
      const Block block(mine.base(), shape_);
      for (const std::uint32_t first : {0u, shape_.frames[0]})
        if (!mine.commit(block.frame_offset(first),
                         std::size_t{kReadyFrames} * shape_.frame_bytes))
          throw LaunchError("no memory for the conformance suite");
      Block::construct(mine.base(), shape_);
    }
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      auto view = std::make_shared<View>();
      for (const Segment& owner : owners_) {
        view->segments.push_back(Segment::map(Descriptor(dup(owner.fd())), owner.bytes()));
        view->blocks.push_back(view->segments.back().base());
      }
      auto lamella = std::make_unique<lamellae::FrameLamella>(pe, shape_, view->blocks,
                                                              base::FutexScope::kShared, view);
      lamella->grow_with([&mine = view->segments[pe]](std::size_t offset, std::size_t bytes) {
        return mine.commit(offset, bytes);
      });
      all_.push_back(with_faults(std::move(lamella), faults));
    }
  }
  Pe size() const override { return static_cast<Pe>(all_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *all_[pe]; }

 private:
  BlockShape shape_;
  std::vector<Segment> owners_;
  std::vector<std::unique_ptr<lamellae::Lamella>> all_;
};

Subject shmem(const std::string& faults) {
  Subject subject;
  subject.name = "shmem";
  subject.make = [faults](const Shape& shape) {
    return std::make_unique<ShmemEndpoints>(shape, faults);
  };
  subject.by_reference = true;
  subject.eager = true;
  subject.damage = damage_frame;
  return subject;
}

INSTANTIATE_TEST_SUITE_P(Shmem, Conformance, testing::Values(shmem("")));
INSTANTIATE_TEST_SUITE_P(FaultyShmem, Conformance, testing::Values(faulty(shmem(kAllFaults))));

}  // namespace
}  // namespace lamellar::conformance

// The suite on `local`.
#include "conformance/frame_damage.hpp"
#include "conformance/subject.hpp"
#include "lamellae/local/local_job.hpp"

namespace lamellar::conformance {
namespace {

class LocalEndpoints final : public Endpoints {
 public:
  explicit LocalEndpoints(const Shape& shape)
      : job_(std::make_shared<lamellae::LocalJob>(shape.pes, shape.frame_bytes, shape.pool)) {
    for (Pe pe = 0; pe < shape.pes; ++pe) all_.push_back(job_->lamella(pe));
  }
  Pe size() const override { return static_cast<Pe>(all_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *all_[pe]; }

 private:
  std::shared_ptr<lamellae::LocalJob> job_;
  std::vector<std::unique_ptr<lamellae::Lamella>> all_;
};

Subject local() {
  Subject subject;
  subject.name = "local";
  subject.make = [](const Shape& shape) { return std::make_unique<LocalEndpoints>(shape); };
  subject.by_reference = true;
  subject.eager = true;
  subject.simulated = true;
  subject.damage = damage_frame;
  return subject;
}

INSTANTIATE_TEST_SUITE_P(Local, Conformance, testing::Values(local()));

}  // namespace
}  // namespace lamellar::conformance

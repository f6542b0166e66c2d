// The suite on `local`, and on `local` with faults.
#include "conformance/frame_damage.hpp"
#include "conformance/subject.hpp"
#include "conformance/with_faults.hpp"
#include "lamellae/local/local_job.hpp"

namespace lamellar::conformance {
namespace {

class LocalEndpoints final : public Endpoints {
 public:
  LocalEndpoints(const Shape& shape, const std::string& faults)
      : job_(std::make_shared<lamellae::LocalJob>(shape.pes, shape.frame_bytes, shape.pool)) {
    for (Pe pe = 0; pe < shape.pes; ++pe) all_.push_back(with_faults(job_->lamella(pe), faults));
  }
  Pe size() const override { return static_cast<Pe>(all_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *all_[pe]; }

 private:
  std::shared_ptr<lamellae::LocalJob> job_;
  std::vector<std::unique_ptr<lamellae::Lamella>> all_;
};

Subject local(const std::string& faults) {
  Subject subject;
  subject.name = "local";
  subject.make = [faults](const Shape& shape) {
    return std::make_unique<LocalEndpoints>(shape, faults);
  };
  subject.by_reference = true;
  subject.eager = true;
  subject.simulated = true;
  subject.damage = damage_frame;
  return subject;
}

INSTANTIATE_TEST_SUITE_P(Local, Conformance, testing::Values(local("")));
INSTANTIATE_TEST_SUITE_P(FaultyLocal, Conformance, testing::Values(faulty(local(kAllFaults))));

}  // namespace
}  // namespace lamellar::conformance

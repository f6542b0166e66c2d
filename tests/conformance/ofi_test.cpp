// The suite on `ofi`, over a network in memory.
#include "conformance/memory_network.hpp"
#include "conformance/subject.hpp"
#include "lamellae/local/local_job.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Endpoint;

// One PE: what a host is to it, and the network.
struct End {
  std::shared_ptr<lamellae::LocalJob> host;
  std::unique_ptr<lamellae::Lamella> home;
  std::unique_ptr<lamellae::Lamella> lamella;
};

class OfiEndpoints final : public Endpoints {
 public:
  explicit OfiEndpoints(const Shape& shape) {
    const auto network = MemoryNetwork::create({.seed = 1 + shape.pes * 31 + shape.pool});
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    lamellae::OfiOptions options;
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      endpoints.push_back(network->open(shape.frame_bytes));
      options.addresses.push_back(endpoints.back()->address());
      options.hosts.push_back("host " + std::to_string(pe));
    }
    options.frame_bytes = shape.frame_bytes;
    options.pool_frames = shape.pool;
    options.job_nonce = 4711;
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      End& end = ends_.emplace_back();
      end.host = std::make_shared<lamellae::LocalJob>(1, 1024, 4);
      end.home = end.host->lamella(0);
      options.my_pe = pe;
      options.home = end.home.get();
      end.lamella = make_ofi_lamella(std::move(endpoints[pe]), options);
    }
  }
  Pe size() const override { return static_cast<Pe>(ends_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *ends_[pe].lamella; }

 private:
  std::vector<End> ends_;
};

Subject ofi() {
  Subject subject;
  subject.name = "ofi";
  subject.make = [](const Shape& shape) { return std::make_unique<OfiEndpoints>(shape); };
  subject.network = true;
  return subject;
}

INSTANTIATE_TEST_SUITE_P(Ofi, Conformance, testing::Values(ofi()));

}  // namespace
}  // namespace lamellar::conformance

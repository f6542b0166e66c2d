// The suite on `ofi`: over a network in memory, and over libfabric on the loopback interface.
#include "conformance/memory_network.hpp"
#include "conformance/subject.hpp"
#include "lamellae/local/local_job.hpp"
#include "lamellae/ofi/endpoint.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Endpoint;
using Open = std::function<std::unique_ptr<Endpoint>(const Shape&)>;

// One PE: what a host is to it, and the network.
struct End {
  std::shared_ptr<lamellae::LocalJob> host;
  std::unique_ptr<lamellae::Lamella> home;
  std::unique_ptr<lamellae::Lamella> lamella;
};

class OfiEndpoints final : public Endpoints {
 public:
  OfiEndpoints(const Shape& shape, const Open& open) {
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    lamellae::OfiOptions options;
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      endpoints.push_back(open(shape));
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

Subject subject_of(const std::string& name, const std::function<Open(const Shape&)>& network) {
  Subject subject;
  subject.name = name;
  subject.make = [network](const Shape& shape) {
    return std::make_unique<OfiEndpoints>(shape, network(shape));
  };
  subject.network = true;
  return subject;
}

#ifdef LAMELLAR_TEST_LIBFABRIC

Open loopback(const Shape&) {
  return [](const Shape& shape) {
    return lamellae::open_endpoint({"tcp;ofi_rxm", "lo", shape.frame_bytes});
  };
}

INSTANTIATE_TEST_SUITE_P(Libfabric, Conformance,
                         testing::Values(subject_of("libfabric", loopback)));

#else

Open memory(const Shape& first) {
  const auto network = MemoryNetwork::create({.seed = 1 + first.pes * 31 + first.pool});
  return [network](const Shape& shape) { return network->open(shape.frame_bytes); };
}

INSTANTIATE_TEST_SUITE_P(Ofi, Conformance, testing::Values(subject_of("ofi", memory)));

#endif

}  // namespace
}  // namespace lamellar::conformance

// The suite on `ofi`: over a network in memory, and over libfabric on the loopback interface; and
// on the router with ofi between groups of PEs. All of it with faults, too.
#include "support/memory_network.hpp"
#include "conformance/subject.hpp"
#include "conformance/with_faults.hpp"
#include "lamellae/local/local_job.hpp"
#include "lamellae/ofi/endpoint.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"
#include "lamellae/router/router.hpp"

namespace lamellar::conformance {
namespace {

using lamellae::Endpoint;
using testing_support::MemoryNetwork;
using Open = std::function<std::unique_ptr<Endpoint>(const Shape&)>;

// One PE: what a host is to it, and the network.
struct End {
  std::shared_ptr<lamellae::LocalJob> host;
  std::unique_ptr<lamellae::Lamella> home;
  std::unique_ptr<lamellae::Lamella> lamella;
};

class OfiEndpoints final : public Endpoints {
 public:
  OfiEndpoints(const Shape& shape, const Open& open, const std::string& faults) {
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
      end.lamella = with_faults(make_ofi_lamella(std::move(endpoints[pe]), options), faults);
    }
  }
  Pe size() const override { return static_cast<Pe>(ends_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *ends_[pe].lamella; }

 private:
  std::vector<End> ends_;
};

Subject subject_of(const std::string& name, const std::function<Open(const Shape&)>& network,
                   const std::string& faults = "") {
  Subject subject;
  subject.name = name;
  subject.make = [network, faults](const Shape& shape) {
    return std::make_unique<OfiEndpoints>(shape, network(shape), faults);
  };
  subject.network = true;
  return subject;
}

Open memory(const Shape& first) {
  const auto network = MemoryNetwork::create({.seed = 1 + first.pes * 31 + first.pool});
  return [network](const Shape& shape) { return network->open(shape.frame_bytes); };
}

// PE 0 alone, 1 with 2, 3 with 4, and so on.
class RouterEndpoints final : public Endpoints {
 public:
  RouterEndpoints(const Shape& shape, const std::string& faults) {
    const Open open = memory(shape);
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    for (Pe pe = 0; pe < shape.pes; ++pe) endpoints.push_back(open(shape));
    std::shared_ptr<lamellae::LocalJob> host;
    for (Pe pe = 0; pe < shape.pes; ++pe) {
      const Pe first = pe == 0 ? 0 : (pe - 1) / 2 * 2 + 1;
      lamellae::RouterParts parts;
      for (Pe mate = first; mate < shape.pes && mate < (pe == 0 ? 1 : first + 2); ++mate)
        parts.group.push_back(mate);
      if (pe == first)
        host = std::make_shared<lamellae::LocalJob>(static_cast<Pe>(parts.group.size()),
                                                    shape.frame_bytes, shape.pool);
      parts.inside = host->lamella(pe - first);
      lamellae::OfiOptions options;
      options.my_pe = pe;
      for (Pe other = 0; other < shape.pes; ++other) {
        const bool near = other >= first && other < first + parts.group.size();
        options.addresses.push_back(near ? "" : "end " + std::to_string(other));
        options.hosts.push_back("host");
      }
      options.frame_bytes = shape.frame_bytes;
      options.pool_frames = shape.pool;
      options.job_nonce = 4711;
      options.home = parts.inside.get();
      parts.outside = make_ofi_lamella(std::move(endpoints[pe]), options);
      all_.push_back(with_faults(make_router(std::move(parts)), faults));
    }
  }
  Pe size() const override { return static_cast<Pe>(all_.size()); }
  lamellae::Lamella& at(Pe pe) override { return *all_[pe]; }

 private:
  std::vector<std::unique_ptr<lamellae::Lamella>> all_;
};

[[maybe_unused]] Subject router(const std::string& faults = "") {
  Subject subject;
  subject.name = "router";
  subject.make = [faults](const Shape& shape) {
    return std::make_unique<RouterEndpoints>(shape, faults);
  };
  subject.network = true;
  return subject;
}

#ifdef LAMELLAR_TEST_LIBFABRIC

constexpr char kProvider[] = "tcp;ofi_rxm";

Open loopback(const Shape&) {
  return [](const Shape& shape) {
    return lamellae::open_endpoint({kProvider, "lo", shape.frame_bytes});
  };
}

Subject libfabric(const std::string& faults = "") {
  Subject subject = subject_of("libfabric", loopback, faults);
  subject.largest_frame = lamellae::largest_message(kProvider, 1 << 20);
  return subject;
}

INSTANTIATE_TEST_SUITE_P(Libfabric, Conformance, testing::Values(libfabric()));
INSTANTIATE_TEST_SUITE_P(FaultyLibfabric, Conformance,
                         testing::Values(faulty(libfabric(kAllFaults))));

#else

INSTANTIATE_TEST_SUITE_P(Ofi, Conformance,
                         testing::Values(subject_of("ofi", memory), router()));
INSTANTIATE_TEST_SUITE_P(FaultyOfi, Conformance,
                         testing::Values(faulty(subject_of("ofi", memory, kAllFaults)),
                                         faulty(router(kAllFaults))));

#endif

}  // namespace
}  // namespace lamellar::conformance

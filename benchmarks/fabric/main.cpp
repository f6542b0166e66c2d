// Bare libfabric, the limit of what goes between hosts: two processes of one endpoint each.
//   bench_fabric CASE SECONDS
// Started as a job of two PEs (PMI_RANK tells which one); they find each other through a file in
// LAMELLAR_TEST_BENCH_FOLDER. The interface is LAMELLAR_INTERFACE, as it is for ours.
#include <poll.h>
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "harness/measure.hpp"

namespace bench {
namespace {

constexpr std::size_t kLargest = 16 * 1024;

[[noreturn]] void refuse(const char* what, long error) {
  std::fprintf(stderr, "bench_fabric: %s: %s\n", what, fi_strerror(static_cast<int>(-error)));
  std::_Exit(1);
}
void must(long result, const char* what) {
  if (result < 0) refuse(what, result);
}

class Bare {
 public:
  explicit Bare(unsigned me) : me_(me) {
    fi_info* hints = fi_allocinfo();
    hints->caps = FI_MSG;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->mr_mode = FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
    const char* const provider = std::getenv("LAMELLAR_PROVIDER");
    hints->fabric_attr->prov_name = strdup(provider == nullptr ? "tcp;ofi_rxm" : provider);
    if (const char* const interface = std::getenv("LAMELLAR_INTERFACE"))
      setenv("FI_TCP_IFACE", interface, 1);
    fi_info* info = nullptr;
    must(fi_getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, hints, &info), "fi_getinfo");
    must(fi_fabric(info->fabric_attr, &fabric_, nullptr), "fi_fabric");
    must(fi_domain(fabric_, info, &domain_, nullptr), "fi_domain");
    fi_av_attr av_attr{};
    must(fi_av_open(domain_, &av_attr, &av_, nullptr), "fi_av_open");
    fi_cq_attr cq_attr{};
    cq_attr.format = FI_CQ_FORMAT_DATA;
    cq_attr.wait_obj = FI_WAIT_FD;
    cq_attr.size = 4096;
    must(fi_cq_open(domain_, &cq_attr, &cq_, nullptr), "fi_cq_open");
    must(fi_control(&cq_->fid, FI_GETWAIT, &wait_fd_), "FI_GETWAIT");
    must(fi_endpoint(domain_, info, &endpoint_, nullptr), "fi_endpoint");
    must(fi_ep_bind(endpoint_, &av_->fid, 0), "fi_ep_bind");
    must(fi_ep_bind(endpoint_, &cq_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    must(fi_enable(endpoint_), "fi_enable");
    meet();
  }

  bool first() const { return me_ == 0; }

  void send(std::size_t bytes) {
    for (long sent = -FI_EAGAIN; sent != 0;) {
      sent = fi_send(endpoint_, out_, bytes, nullptr, peer_, nullptr);
      if (sent == -FI_EAGAIN)
        take();
      else
        must(sent, "fi_send");
    }
    ++sending_;
  }
  void lend() {
    must(fi_recv(endpoint_, in_, sizeof in_, nullptr, FI_ADDR_UNSPEC, nullptr), "fi_recv");
  }

  // Polls once.
  void take() {
    fi_cq_data_entry entries[16];
    const ssize_t count = fi_cq_read(cq_, entries, 16);
    if (count == -FI_EAGAIN) return;
    if (count == -FI_EAVAIL) {
      fi_cq_err_entry error{};
      fi_cq_readerr(cq_, &error, 0);
      refuse("completion", -error.err);
    }
    must(count, "fi_cq_read");
    for (ssize_t i = 0; i < count; ++i) {
      if ((entries[i].flags & FI_RECV) != 0)
        ++came_;
      else
        --sending_;
    }
  }
  // By polling, or by sleeping on the descriptor.
  void await(std::uint64_t came, bool sleeping) {
    while (came_ < came) {
      take();
      if (came_ >= came || !sleeping) continue;
      fid* waited[1] = {&cq_->fid};
      if (fi_trywait(fabric_, waited, 1) != FI_SUCCESS) continue;
      pollfd ready{wait_fd_, POLLIN, 0};
      poll(&ready, 1, -1);
    }
  }
  void drain() {
    while (sending_ > 0) take();
  }
  std::uint64_t came() const { return came_; }
  std::uint64_t sending() const { return sending_; }

 private:
  // Each writes its address into a file of the folder and reads the other's.
  void meet() {
    const char* const folder = std::getenv("LAMELLAR_TEST_BENCH_FOLDER");
    if (folder == nullptr) refuse("LAMELLAR_TEST_BENCH_FOLDER is not set", -FI_EINVAL);
    char name[64];
    std::size_t size = sizeof name;
    must(fi_getname(&endpoint_->fid, name, &size), "fi_getname");
    const std::string mine = std::string(folder) + "/" + std::to_string(me_);
    const std::string other = std::string(folder) + "/" + std::to_string(1 - me_);
    std::ofstream(mine + ".new", std::ios::binary).write(name, static_cast<long>(size));
    std::rename((mine + ".new").c_str(), mine.c_str());
    while (access(other.c_str(), R_OK) != 0) sched_yield();
    std::ifstream file(other, std::ios::binary);
    const std::string address{std::istreambuf_iterator<char>(file), {}};
    if (fi_av_insert(av_, address.data(), 1, &peer_, 0, nullptr) != 1)
      refuse("fi_av_insert", -FI_EINVAL);
  }

  const unsigned me_;
  fid_fabric* fabric_ = nullptr;
  fid_domain* domain_ = nullptr;
  fid_av* av_ = nullptr;
  fid_cq* cq_ = nullptr;
  fid_ep* endpoint_ = nullptr;
  fi_addr_t peer_ = FI_ADDR_UNSPEC;
  int wait_fd_ = -1;
  std::uint64_t came_ = 0;
  std::uint64_t sending_ = 0;
  char in_[kLargest] = {};
  char out_[kLargest] = {};
};

// Both make the same number of rounds, which follows from `seconds` alone. A buffer is always lent
// before it is needed, so that no message comes unexpected and is copied.
void ping_pong(Bare& bare, double seconds, bool sleeping, const char* key) {
  constexpr std::uint64_t kBatch = 200;
  std::uint64_t came = 0;
  const auto batch = [&] {
    const double start = now();
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      bare.lend();
      if (bare.first()) bare.send(8);
      bare.await(++came, sleeping);
      if (!bare.first()) bare.send(8);
      bare.drain();
    }
    return now() - start;
  };
  bare.lend();
  batch();  // warms up
  const std::uint64_t batches = std::max<std::uint64_t>(3, static_cast<std::uint64_t>(
      seconds / (kBatch * (sleeping ? 60e-6 : 25e-6))));
  std::vector<double> all;
  for (std::uint64_t i = 0; i < batches; ++i) all.push_back(batch());
  if (bare.first()) result(key, median(std::move(all)) / kBatch * 1e6);
}

// One direction, `bytes` each, as many in flight as buffers were lent; the receiver answers once a
// window.
void stream(Bare& bare, double seconds, std::size_t bytes, const char* key, double scale) {
  constexpr std::uint64_t kWindow = 64;
  std::uint64_t came = 0;
  const std::uint64_t rounds =
      std::max<std::uint64_t>(20, static_cast<std::uint64_t>(seconds / (kWindow * 8e-6)));
  const auto lend_window = [&] {
    for (std::uint64_t i = 0; i < kWindow; ++i) bare.lend();
  };
  if (!bare.first()) lend_window();
  double start = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    if (round == rounds / 10) start = now();
    if (bare.first()) {
      bare.lend();
      for (std::uint64_t i = 0; i < kWindow; ++i) bare.send(bytes);
      bare.await(++came, false);
      bare.drain();
    } else {
      bare.await(came += kWindow, false);
      lend_window();
      bare.send(8);
      bare.drain();
    }
  }
  if (!bare.first()) return;
  const double each = (now() - start) / static_cast<double>((rounds - rounds / 10) * kWindow);
  result(key, scale / each);
}

int run(const Arguments& arguments) {
  const char* const rank = std::getenv("PMI_RANK");
  if (rank == nullptr) refuse("start it as a job of two", -FI_EINVAL);
  const auto me = static_cast<unsigned>(std::atoi(rank));
  pin(me);
  static Bare bare(me);
  if (arguments.name == "ping_pong")
    ping_pong(bare, arguments.seconds, false, "fabric_us");
  else if (arguments.name == "ping_pong_sleeping")
    ping_pong(bare, arguments.seconds, true, "fabric_sleeping_us");
  else if (arguments.name == "rate")
    stream(bare, arguments.seconds, 8, "fabric_mps", 1e-6);
  else if (arguments.name == "bandwidth")
    stream(bare, arguments.seconds, kLargest, "fabric_mbs", kLargest * 1e-6);
  else
    return 2;
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const int status = bench::run(bench::Arguments::parse(argc, argv));
  if (status == 2)
    std::fprintf(stderr, "usage: bench_fabric CASE SECONDS; cases: ping_pong ping_pong_sleeping "
                         "rate bandwidth\n");
  return status;
}

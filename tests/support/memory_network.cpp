#include "support/memory_network.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "base/clock/mutex.hpp"
#include "base/clock/rng.hpp"

namespace lamellar::testing_support {
namespace {

using lamellae::Endpoint;
using Event = Endpoint::Event;

// What lies before one end. Guarded by the network's lock.
struct Mailbox {
  std::deque<std::string> messages;
  int bell = -1;  // eventfd, readable while there is something to poll for
};

class Network final : public MemoryNetwork, public std::enable_shared_from_this<Network> {
 public:
  explicit Network(const NetworkPlan& plan) : plan_(plan) {}
  ~Network() override {
    for (const Mailbox& box : boxes_) close(box.bell);
  }
  std::unique_ptr<Endpoint> open(std::uint32_t largest) override;
  void inject(std::uint32_t end, const std::string& bytes) override {
    const base::Lock lock(mutex_);
    boxes_.at(end).messages.push_back(bytes);
    ring(end);
  }
  // Under mutex_.
  void ring(std::uint32_t end) const {
    const std::uint64_t one = 1;
    if (write(boxes_.at(end).bell, &one, sizeof one) < 0) return;  // full: readable all the same
  }

  const NetworkPlan plan_;
  base::Mutex mutex_;
  std::deque<Mailbox> boxes_;
};

class End final : public Endpoint {
 public:
  End(std::shared_ptr<Network> network, std::uint32_t number, std::uint32_t largest)
      : network_(std::move(network)),
        number_(number),
        largest_(largest),
        rng_(network_->plan_.seed * 1000 + number) {}

  std::string address() const override { return "end " + std::to_string(number_); }
  std::string text_of(const std::string& address) const override { return address; }
  std::string describe() const override { return "provider memory, " + address(); }

  std::string set_peers(const std::vector<std::string>& addresses) override {
    for (const std::string& address : addresses)
      peers_.push_back(address.empty() ? 0 : std::stoul(address.substr(4)));
    refused_.resize(peers_.size());
    return "";
  }
  std::string register_memory(std::byte*, std::size_t) override { return ""; }

  Sent send(Pe to, const std::byte* bytes, std::uint32_t size,
            std::uint64_t token) noexcept override {
    const NetworkPlan& plan = network_->plan_;
    if (!plan.connects || refused_[to] < plan.first_refused) {
      ++refused_[to];
      return Sent::kBusy;
    }
    if (rng_.next() % 16 < plan.busy_in_16) return Sent::kBusy;
    const base::Lock lock(network_->mutex_);
    auto& messages = network_->boxes_.at(peers_[to]).messages;
    messages.emplace_back(reinterpret_cast<const char*>(bytes), size);
    for (std::size_t i = messages.size() - 1; i > 0 && rng_.next() % 16 < plan.overtakes_in_16; --i)
      std::swap(messages[i], messages[i - 1]);
    network_->ring(static_cast<std::uint32_t>(peers_[to]));
    completed_.push_back(token);
    network_->ring(number_);
    return Sent::kTaken;
  }

  bool receive(std::byte* buffer, std::uint32_t size, std::uint64_t token) noexcept override {
    lent_.push_back({buffer, size, 0, token});
    return true;
  }

  std::uint32_t poll(Event* events, std::uint32_t most) noexcept override {
    const base::Lock lock(network_->mutex_);
    Mailbox& box = network_->boxes_.at(number_);
    std::uint32_t count = 0;
    while (count < most && !completed_.empty() && rng_.next() % 4 != 0) {
      events[count++] = {Event::Kind::kSent, completed_.front(), nullptr, 0};
      completed_.pop_front();
    }
    while (count + 1 < most && !box.messages.empty() && !lent_.empty()) {
      Lent& lent = lent_.front();
      const std::string& message = box.messages.front();
      std::memcpy(lent.at + lent.used, message.data(), message.size());
      events[count++] = {Event::Kind::kReceived, lent.token, lent.at + lent.used,
                         static_cast<std::uint32_t>(message.size())};
      lent.used += static_cast<std::uint32_t>(message.size());
      box.messages.pop_front();
      if (lent.size - lent.used >= largest_) continue;
      events[count++] = {Event::Kind::kReleased, lent.token, nullptr, 0};
      lent_.pop_front();
    }
    return count;
  }
  std::string trouble() const override { return "none"; }

  int wait_fd() const noexcept override { return network_->boxes_.at(number_).bell; }
  bool may_sleep() noexcept override {
    const base::Lock lock(network_->mutex_);
    const Mailbox& box = network_->boxes_.at(number_);
    if (!completed_.empty() || (!box.messages.empty() && !lent_.empty())) return false;
    std::uint64_t rung = 0;
    if (read(box.bell, &rung, sizeof rung) < 0) return true;  // nobody rang
    return true;
  }

 private:
  struct Lent {
    std::byte* at;
    std::uint32_t size;
    std::uint32_t used;
    std::uint64_t token;
  };
  const std::shared_ptr<Network> network_;
  const std::uint32_t number_;
  const std::uint32_t largest_;
  base::Rng rng_;
  std::vector<std::size_t> peers_;
  std::vector<std::uint32_t> refused_;
  std::deque<Lent> lent_;
  std::deque<std::uint64_t> completed_;
};

std::unique_ptr<Endpoint> Network::open(std::uint32_t largest) {
  const base::Lock lock(mutex_);
  boxes_.push_back({{}, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)});
  return std::make_unique<End>(shared_from_this(), static_cast<std::uint32_t>(boxes_.size() - 1),
                               largest);
}

}  // namespace

std::shared_ptr<MemoryNetwork> MemoryNetwork::create(const NetworkPlan& plan) {
  return std::make_shared<Network>(plan);
}

}  // namespace lamellar::testing_support

#include "world/world/network.hpp"

#include <algorithm>
#include <cstring>
#include <lamellar/error.hpp>
#include <string_view>

#include "base/clock/rng.hpp"
#include "base/log/log.hpp"
#include "lamellae/bootstrap/session.hpp"
#include "lamellae/ofi/endpoint.hpp"
#include "lamellae/ofi/ofi_lamella.hpp"
#include "lamellae/router/router.hpp"

namespace lamellar::world {
namespace {

using base::Key;

// What each PE tells the others of its endpoint.
struct Card {
  std::uint64_t nonce = 0;  // PE 0's is the job's
  bool fault = false;
  std::string text;         // the address; with a fault what is wrong

  std::string packed() const {
    std::string bytes(sizeof nonce + 1, fault ? '-' : '+');
    std::memcpy(bytes.data(), &nonce, sizeof nonce);
    return bytes + text;
  }
  static Card unpack(const std::string& bytes) {
    Card card;
    if (bytes.size() <= sizeof card.nonce) return {0, true, "its card is cut off"};
    std::memcpy(&card.nonce, bytes.data(), sizeof card.nonce);
    card.fault = bytes[sizeof card.nonce] != '+';
    card.text = bytes.substr(sizeof card.nonce + 1);
    return card;
  }
};

// Opens this PE's endpoint and learns of the others'.
std::unique_ptr<lamellae::Endpoint> open_together(lamellae::Bootstrap& bootstrap,
                                                  const lamellae::EndpointOptions& options,
                                                  std::vector<Card>& cards,
                                                  const std::function<std::string(Pe)>& host_of) {
  Card mine;
  mine.nonce = base::random_u64();
  std::unique_ptr<lamellae::Endpoint> endpoint;
  try {
    endpoint = lamellae::open_endpoint(options);
    mine.text = endpoint->address();
  } catch (const LaunchError& error) {
    mine.fault = true;
    mine.text = error.what();
  }
  for (const std::string& bytes : bootstrap.allgather(mine.packed()))
    cards.push_back(Card::unpack(bytes));
  for (Pe pe = 0; pe < cards.size(); ++pe)
    if (cards[pe].fault)
      fail_together(bootstrap, pe,
                    "PE " + std::to_string(pe) + " (host " + host_of(pe) + "): " + cards[pe].text);
  return endpoint;
}

}  // namespace

std::uint32_t network_frame_bytes(const base::Settings& settings) {
  return lamellae::largest_message(settings.text(Key::kProvider),
                                   static_cast<std::uint32_t>(settings.u64(Key::kFrameBytes)));
}

void fail_together(lamellae::Bootstrap& bootstrap, Pe speaker, const std::string& why) {
  if (bootstrap.rank() == speaker) {
    if (std::string_view(bootstrap.launcher()) == "lamellar-run") throw LaunchError(why);
    LAMELLAR_LOG_ERROR("the PEs cannot start: {}", why);
  }
  try {
    bootstrap.barrier();
  } catch (const Error&) {
    // The job is being ended already.
  }
  throw JobFailed(speaker, why);
}

Network join_network(lamellae::Bootstrap& bootstrap, const base::Settings& settings,
                     const std::vector<std::vector<Pe>>& groups,
                     const std::shared_ptr<lamellae::ShmemJob>& shmem,
                     const std::function<std::string(Pe)>& host_of, bool launcher_reports) {
  const std::uint64_t timeout_ns =
      lamellae::start_timeout_ns(settings.f64(Key::kConnectTimeout));
  const std::uint32_t frame_bytes = network_frame_bytes(settings);
  std::vector<Card> cards;
  auto endpoint = open_together(
      bootstrap, {settings.text(Key::kProvider), settings.text(Key::kInterface), frame_bytes},
      cards, host_of);
  const auto my_group =
      std::find_if(groups.begin(), groups.end(), [&](const std::vector<Pe>& group) {
        return std::find(group.begin(), group.end(), bootstrap.rank()) != group.end();
      });

  Network network;
  if (groups.size() > 1) {
    lamellae::LinkOptions options;
    options.bind = settings.text(Key::kInterface);
    options.timeout_ns = timeout_ns;
    options.on_failure = [job = std::weak_ptr(shmem), launcher_reports](
                             Pe culprit, const std::string& why, bool said) {
      if (const auto alive = job.lock()) alive->fail(culprit, why, said || launcher_reports);
    };
    network.links = lamellae::HostLinks::connect(bootstrap, groups, std::move(options));
    shmem->tell_others_by([links = network.links](Pe culprit, const std::string& why) {
      links->announce(culprit, why, true);
    });
  }

  lamellae::RouterParts parts;
  parts.group = *my_group;
  parts.inside = shmem->lamella();
  parts.announced = [links = network.links](Pe culprit, const std::string& why) {
    if (links) links->announce(culprit, why, true);
  };

  lamellae::OfiOptions options;
  options.my_pe = bootstrap.rank();
  for (Pe pe = 0; pe < cards.size(); ++pe) {
    const bool near = std::find(my_group->begin(), my_group->end(), pe) != my_group->end();
    options.addresses.push_back(near ? "" : cards[pe].text);
    options.hosts.push_back(host_of(pe));
  }
  options.frame_bytes = frame_bytes;
  options.pool_frames = static_cast<std::uint32_t>(settings.u64(Key::kPoolFrames));
  options.job_nonce = cards[0].nonce;
  options.connect_timeout_ns = timeout_ns;
  options.home = parts.inside.get();
  options.fail = [job = std::weak_ptr(shmem), links = network.links](Pe culprit,
                                                                     const std::string& why) {
    const auto alive = job.lock();
    if (!alive) return;
    alive->fail(culprit, why, false);
    if (links) links->announce(culprit, why, true);
  };
  LAMELLAR_LOG_DEBUG("{} groups of PEs, this one of {}; shared memory inside, {} between",
                     groups.size(), my_group->size(), endpoint->describe());
  parts.outside = lamellae::make_ofi_lamella(std::move(endpoint), std::move(options));
  network.lamella = lamellae::make_router(std::move(parts));
  return network;
}

}  // namespace lamellar::world

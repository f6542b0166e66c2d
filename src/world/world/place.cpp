#include "world/world/place.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <lamellar/error.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/log/log.hpp"
#include "base/topo/binding.hpp"
#include "base/topo/cpu_list.hpp"
#include "base/topo/placement.hpp"
#include "world/world/network.hpp"

namespace lamellar::world {
namespace {

using base::Key;

// What a PE tells the others: "auto 2 0-3,8".
struct PlaceCard {
  std::string bind;
  base::PeAsk ask;

  std::string packed() const {
    return bind + ' ' + std::to_string(ask.threads) + ' ' + base::cpu_list(ask.allowed);
  }
  // Other text, which no PE sends, is a PE of one cpu that is not bound.
  static PlaceCard unpack(std::string_view text) {
    PlaceCard card{"none", {{0}, 0}};
    const std::size_t first = text.find(' '), last = text.rfind(' ');
    if (first == last) return card;
    card.bind = text.substr(0, first);
    std::from_chars(text.data() + first + 1, text.data() + last, card.ask.threads);
    const auto cpus = base::parse_cpu_list(text.substr(last + 1));
    if (cpus && !cpus->empty()) card.ask.allowed = *cpus;
    return card;
  }
};

std::vector<PlaceCard> exchange(lamellae::Bootstrap& bootstrap, const base::Settings& settings) {
  const auto threads = static_cast<std::uint32_t>(settings.u64(Key::kThreads));
  PlaceCard mine{settings.text(Key::kBind), {base::allowed_cpus(), threads}};
  // oneTBB's threads would inherit the one cpu of whoever wakes them first.
  if (mine.bind == "auto" && settings.text(Key::kExecutor) == "tbb") mine.bind = "none";
  std::vector<PlaceCard> cards;
  for (const std::string& text : bootstrap.allgather(mine.packed()))
    cards.push_back(PlaceCard::unpack(text));
  return cards;
}

// What the PEs of one host make of their cards: the same on every PE of the job.
struct Host {
  Host(const std::vector<Pe>& its_pes, const std::vector<PlaceCard>& cards, bool launched)
      : pes(its_pes) {
    for (const Pe pe : pes) {
      asks.push_back(cards[pe].ask);
      binds = binds || base::wants_binding(cards[pe].bind, launched, pes.size());
    }
    why_not = base::why_not_placed(asks);
  }
  // One PE that is not bound takes all it may use, whatever it looks like.
  bool needs_machine() const { return why_not.empty() && (binds || pes.size() > 1); }

  const std::vector<Pe>& pes;
  std::vector<base::PeAsk> asks;
  bool binds = false;
  std::string why_not;
};

void check_wishes(lamellae::Bootstrap& bootstrap, const std::vector<Host>& hosts,
                  const std::vector<PlaceCard>& cards) {
  for (const Host& host : hosts)
    for (const Pe pe : host.pes) {
      if (cards[pe].bind != "core" || host.why_not.empty()) continue;
      fail_together(bootstrap, pe,
                    "LAMELLAR_BIND=core of PE " + std::to_string(pe) +
                        " needs a cpu for every thread, but on its host " + host.why_not +
                        "; start fewer PEs, lower LAMELLAR_THREADS, or take LAMELLAR_BIND away");
    }
}

// Looked up by the first PE of each host, for all of them: it takes a while.
base::Machine machine_of(lamellae::Bootstrap& bootstrap, const std::vector<Host>& hosts,
                         Pe first_of_my_host) {
  std::string mine;
  for (const Host& host : hosts)
    if (host.needs_machine() && host.pes.front() == bootstrap.rank())
      mine = base::machine_text(base::read_machine());
  return base::parse_machine(bootstrap.allgather(mine).at(first_of_my_host));
}

}  // namespace

Place find_place(lamellae::Bootstrap& bootstrap, const base::Settings& settings, bool launched) {
  const std::vector<PlaceCard> cards = exchange(bootstrap, settings);
  std::vector<Host> hosts;
  for (const std::vector<Pe>& pes : bootstrap.hosts())
    hosts.emplace_back(pes, cards, launched);
  check_wishes(bootstrap, hosts, cards);

  const Pe me = bootstrap.rank();
  std::size_t index = 0;  // of this PE among those of its host
  const auto here = std::find_if(hosts.begin(), hosts.end(), [&](const Host& host) {
    const auto found = std::find(host.pes.begin(), host.pes.end(), me);
    index = static_cast<std::size_t>(found - host.pes.begin());
    return found != host.pes.end();
  });
  base::Machine machine;
  if (std::any_of(hosts.begin(), hosts.end(),
                  [](const Host& host) { return host.needs_machine(); }))
    machine = machine_of(bootstrap, hosts, here->pes.front());

  const base::Placement placement = base::place(machine, here->asks);
  Place place{placement.pes[index].threads, placement.why_not.empty(), {}};
  if (place.roomy && base::wants_binding(cards[me].bind, launched, here->pes.size())) {
    place.cpus = placement.pes[index].cpus;
    place.cpus.resize(place.threads);
  }
  base::Cpus cpus = place.cpus;
  std::sort(cpus.begin(), cpus.end());
  LAMELLAR_LOG_DEBUG("threads: {}; bound to cpus: {} {}", place.threads,
                     cpus.empty() ? "none" : base::cpu_list(cpus), placement.why_not);
  return place;
}

}  // namespace lamellar::world

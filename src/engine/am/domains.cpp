#include "engine/am/domains.hpp"

#include <utility>

#include "engine/am/engine.hpp"

namespace lamellar::engine {

// REQUIRES: the mutex is held.
std::map<std::uint32_t, Domains::Domain>::iterator Domains::open() {
  for (;;) {
    if (++last_ == 0) continue;
    const auto [place, is_new] = domains_.try_emplace(last_);
    if (is_new) return place;
  }
}

std::uint32_t Domains::open_broadcast(DomainRef parent, std::uint32_t parts) {
  if (parent.owner == engine_.my_pe()) broadcasts_begun_.fetch_add(1);
  base::Lock lock(mutex_);
  const auto place = open();
  place->second.launched.store(parts);
  place->second.open = false;
  place->second.parent = parent;
  return place->first;
}

std::pair<const std::uint32_t, Domains::Domain>& Domains::open_group() {
  base::Lock lock(mutex_);
  return *open();
}

void Domains::close_group(std::uint32_t domain) noexcept {
  base::Lock lock(mutex_);
  const auto place = domains_.find(domain);
  place->second.open = false;
  if (place->second.quiet() && place->second.waiting.empty()) domains_.erase(place);
}

bool Domains::ended(std::uint32_t domain, std::uint64_t records) noexcept {
  Waiting waiting;
  std::optional<DomainRef> parent;
  {
    base::Lock lock(mutex_);
    const auto place = domains_.find(domain);
    if (place == domains_.end()) return false;
    Domain& found = place->second;
    const std::uint64_t before = found.ended.load();
    if (records > found.launched.load() - before) return false;
    found.ended.fetch_add(records);
    if (!found.quiet()) return true;
    waiting = take_waiting(found);
    parent = found.parent;
    if (!found.open) domains_.erase(place);
  }
  complete(waiting);
  if (parent) tell(*parent);
  return true;
}

// A message to all has ended, as far as this PE was to see to it.
void Domains::tell(DomainRef parent) noexcept {
  const bool begun_here = parent.owner == engine_.my_pe();
  if (parent.domain != 0) engine_.record_ended(parent, 1);
  if (!begun_here) return;
  broadcasts_ended_.fetch_add(1);
  engine_.progressed();
}

void Domains::wait(Domain& domain, detail::FutureState<void>& state) {
  {
    base::Lock lock(mutex_);
    domain.waiting.push_back(&state);
    state.entrust();
    domain.waiters.fetch_add(1);  // pairs with one_ended(): publish, then look
  }
  complete_if_quiet(domain);
}

void Domains::complete_if_quiet(Domain& domain) noexcept {
  Waiting waiting;
  {
    base::Lock lock(mutex_);
    if (!domain.quiet()) return;
    waiting = take_waiting(domain);
  }
  complete(waiting);
}

Domains::Waiting Domains::take_waiting(Domain& domain) noexcept {
  domain.waiters.store(0);
  return std::exchange(domain.waiting, {});
}

void Domains::complete(const Waiting& waiting) noexcept {
  for (auto* state : waiting) {
    state->emplace();
    state->complete();
  }
}

void Domains::fail_all(const MakeError& make) noexcept {
  Waiting waiting;
  {
    base::Lock lock(mutex_);
    for (auto& [number, domain] : domains_) {
      const Waiting here = take_waiting(domain);
      waiting.insert(waiting.end(), here.begin(), here.end());
    }
  }
  for (auto* state : waiting) state->fail(make());
}

}  // namespace lamellar::engine

#include "engine/am/domains.hpp"

#include "engine/am/engine.hpp"

namespace lamellar::engine {

std::uint32_t Domains::open_broadcast(Pe parent, std::uint32_t parent_domain,
                                      std::uint32_t parts) {
  if (parent == engine_.my_pe()) broadcasts_begun_.fetch_add(1);
  base::Lock lock(mutex_);
  do {
    ++last_;
  } while (last_ == 0 || !broadcasts_.try_emplace(last_, parent, parent_domain, parts).second);
  return last_;
}

bool Domains::ended(std::uint32_t domain, std::uint64_t records) noexcept {
  Broadcast broadcast;
  {
    base::Lock lock(mutex_);
    const auto found = broadcasts_.find(domain);
    if (found == broadcasts_.end() || found->second.left < records) return false;
    found->second.left -= records;
    if (found->second.left != 0) return true;
    broadcast = found->second;
    broadcasts_.erase(found);
  }
  has_ended(broadcast);
  return true;
}

void Domains::has_ended(const Broadcast& broadcast) noexcept {
  if (broadcast.parent != engine_.my_pe())
    return engine_.record_ended(broadcast.parent, broadcast.parent_domain, 1);
  broadcasts_ended_.fetch_add(1);
  engine_.progressed();
}

}  // namespace lamellar::engine

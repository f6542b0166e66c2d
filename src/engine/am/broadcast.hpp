#pragma once
// Messages to all PEs, down a tree: PEs form a ring that begins at the origin, and whoever is to
// serve a stretch of it gives the farther half of what lies behind itself to the PE there, again
// and again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <lamellar/detail/engine_api.hpp>

#include "base/wire/wire.hpp"
#include "engine/am/domains.hpp"

namespace lamellar::engine {

constexpr Pe place_in_ring(Pe pe, Pe origin, Pe pes) {
  return pe >= origin ? pe - origin : pe + pes - origin;
}
constexpr Pe pe_at_place(Pe place, Pe origin, Pe pes) {
  return place < pes - origin ? origin + place : place - (pes - origin);
}
// Where the half begins that the PE at `place` gives away of [place, until), at least two places.
constexpr Pe half_way(Pe place, Pe until) { return until - (until - place) / 2; }
// How often it does.
constexpr std::uint32_t halvings(Pe places) {
  std::uint32_t count = 0;
  for (; places > 1; places -= places / 2) ++count;
  return count;
}

// From this PE. With `request` each PE answers; else it is detached, and of `group` unless that is
// null. ERRORS, BLOCKS: as Sender::append().
void send_to_all(Engine& engine, const detail::AmType& type, const void* am,
                 detail::EncodeFn encode, std::optional<detail::RequestId> request, Group* group);

// One that `sender` sent, to the PEs behind this one in the ring; the domain in which its part here
// is a record: the sender's, or, when others have a part in it, one of this PE.
DomainRef pass_on(Engine& engine, Pe sender, wire::TreeHead head, const detail::AmType& type,
                  std::span<const std::byte> record);

}  // namespace lamellar::engine

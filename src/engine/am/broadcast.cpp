#include "engine/am/broadcast.hpp"

#include <array>
#include <vector>

#include <lamellar/detail/am_type.hpp>

#include "engine/am/engine.hpp"

namespace lamellar::engine {

using lamellae::Lane;

namespace {

using Bytes = std::span<const std::byte>;

void copy_bytes(const void* bytes, detail::SpanWriter& to) {
  const Bytes& all = *static_cast<const Bytes*>(bytes);
  to.put(all.data(), all.size());
}

// A record in bytes. Small ones are encoded once, others once more: to know their size.
class EncodedRecord {
 public:
  explicit EncodedRecord(const RecordSource& record) {
    detail::SpanWriter to(small_.data(), small_.data() + small_.size());
    record.write(to);
    if (to.fits()) {
      bytes_ = {small_.data(), to.written()};
      return;
    }
    large_.resize(to.needed());
    detail::SpanWriter again(large_.data(), large_.data() + large_.size());
    record.write(again);
    bytes_ = large_;
  }
  EncodedRecord(const EncodedRecord&) = delete;
  EncodedRecord& operator=(const EncodedRecord&) = delete;
  Bytes bytes() const noexcept { return bytes_; }

 private:
  std::array<std::byte, 2048> small_;
  std::vector<std::byte> large_;
  Bytes bytes_;
};

void send_tree(Engine& engine, Pe to, const wire::TreeHead& head, const detail::AmType& type,
               const Bytes& record) {
  engine.sender().append(to, Lane::kRequest, kind_of(engine, type, wire::Kind::kTree),
                         {&head, sizeof head, false, &record, &copy_bytes});
}

}  // namespace

void send_to_all(Engine& engine, const detail::AmType& type, const void* am,
                 detail::EncodeFn encode, std::optional<detail::RequestId> request, Group* group) {
  const Pe me = engine.my_pe();
  const Pe pes = engine.num_pes();
  const RecordSource source{request ? &*request : nullptr, request ? sizeof *request : 0,
                            type.fixed == detail::kVariableSize, am, encode};
  const EncodedRecord encoded(source);
  const Bytes record = encoded.bytes();
  wire::TreeHead head;
  head.origin = me;
  head.length = static_cast<wire::Length>(record.size());
  // Who has nobody behind itself gets a message like any other.
  const wire::Kind kind = request ? wire::Kind::kRequest : wire::Kind::kDetached;
  const RunKind alone = group ? kind_of(engine, type, *group) : kind_of(engine, type, kind);
  for (head.until = pes; head.until > 1;) {
    const Pe half = half_way(0, head.until);
    const Pe to = pe_at_place(half, me, pes);
    const bool is_alone = head.until - half == 1;
    if (group != nullptr) group->began();
    if (!is_alone && !request)
      head.domain = engine.domains().open_broadcast({me, group != nullptr ? group->id() : 0}, 1);
    try {
      if (is_alone)
        engine.sender().append(to, Lane::kRequest, alone,
                               {nullptr, 0, false, &record, &copy_bytes});
      else
        send_tree(engine, to, head, type, record);
    } catch (...) {
      if (head.domain != 0 && !is_alone)
        engine.domains().ended(head.domain, 1);
      else if (group != nullptr)
        group->ended();
      throw;
    }
    head.until = half;
  }
}

DomainRef pass_on(Engine& engine, Pe sender, wire::TreeHead head, const detail::AmType& type,
                  Bytes record) {
  const Pe pes = engine.num_pes();
  const Pe place = place_in_ring(engine.my_pe(), head.origin, pes);
  const std::uint32_t others = halvings(head.until - place);
  DomainRef part{sender, head.domain};
  if (others != 0 && head.domain != 0)
    part = {engine.my_pe(), engine.domains().open_broadcast(part, 1 + others)};
  head.domain = part.domain;
  while (head.until - place > 1) {
    const Pe half = half_way(place, head.until);
    send_tree(engine, pe_at_place(half, head.origin, pes), head, type, record);
    head.until = half;
  }
  return part;
}

}  // namespace lamellar::engine
